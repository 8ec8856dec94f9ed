package generate

import "strings"

// koreanName is a family name or a syllable of a given name, in Hangul and as it is romanized.
type koreanName struct {
	hangul, roman string
	weight        int
}

// koreanFamilies: the most frequent family names; the weights follow the census of 2015, in thousandths.
var koreanFamilies = koreanNames(`김 kim 215;이 lee 147;박 park 84;최 choi 47;정 jung 43;강 kang 24;조 cho 21;윤 yoon 21;장 jang 20;
임 lim 17;한 han 15;오 oh 15;서 seo 15;신 shin 15;권 kwon 14;황 hwang 14;안 ahn 14;송 song 14;전 jeon 11;홍 hong 11;유 yoo 11;
고 ko 10;문 moon 9;양 yang 9;손 son 9;배 bae 8;백 baek 8;허 heo 7;남 nam 6;심 shim 5;노 noh 5;하 ha 5;곽 kwak 4;성 sung 4;
차 cha 4;주 joo 4;우 woo 4;구 koo 4;나 na 3;민 min 3;진 jin 3;지 ji 3;엄 eom 3;채 chae 3;원 won 3;천 cheon 2;방 bang 2;공 kong 2;
현 hyun 2;함 ham 2;변 byun 2;염 yeom 1;여 yeo 1;추 choo 1;도 do 1;소 so 1;석 seok 1;선 sun 1;설 seol 1;마 ma 1;길 gil 1;연 yeon 1`)

// Syllables of given names: the first and the second, of women and of men.
var koreanGiven = [2][2][]koreanName{
	{
		koreanNames(`지 ji 14;서 seo 12;수 su 10;민 min 9;하 ha 8;예 ye 8;은 eun 7;유 yu 7;미 mi 6;정 jeong 6;현 hyeon 5;영 young 5;소 so 5;다 da 4;채 chae 4;혜 hye 4;나 na 3;가 ga 3;윤 yun 3;경 kyung 3`),
		koreanNames(`은 eun 10;연 yeon 10;영 young 9;희 hee 8;아 ah 8;윤 yun 7;현 hyeon 7;진 jin 7;원 won 6;정 jeong 6;경 kyung 5;주 ju 5;린 rin 5;선 sun 5;나 na 4;인 in 4;숙 sook 4;빈 bin 4;율 yul 3;지 ji 3`),
	},
	{
		koreanNames(`민 min 12;지 ji 10;성 sung 9;준 jun 9;현 hyeon 8;도 do 8;상 sang 7;재 jae 7;동 dong 6;영 young 6;승 seung 6;태 tae 6;정 jeong 5;시 si 5;주 ju 4;우 woo 4;건 geon 4;종 jong 4;경 kyung 3;은 eun 3`),
		koreanNames(`준 jun 12;호 ho 10;우 woo 10;수 su 9;민 min 8;현 hyeon 8;훈 hoon 8;진 jin 7;석 seok 6;윤 yun 6;혁 hyuk 5;재 jae 5;성 sung 5;원 won 5;철 chul 4;환 hwan 4;규 kyu 4;빈 bin 3;섭 seop 3;식 sik 3`),
	},
}

func koreanNames(list string) []koreanName {
	var names []koreanName
	for entry := range strings.SplitSeq(list, ";") {
		fields := strings.Fields(entry)
		weight := 0
		for _, digit := range fields[2] {
			weight = 10*weight + int(digit-'0')
		}
		names = append(names, koreanName{hangul: fields[0], roman: fields[1], weight: weight})
	}
	return names
}

var koreanFamilyTotals = running(koreanFamilies, func(n koreanName) int { return n.weight })

var koreanGivenTotals = func() (totals [2][2][]int) {
	for sex := range koreanGiven {
		for position := range koreanGiven[sex] {
			totals[sex][position] = running(koreanGiven[sex][position], func(n koreanName) int { return n.weight })
		}
	}
	return totals
}()

// English names, the frequent ones first: the n-th is drawn with the weight 1/(n+10).
var (
	englishFamilies = strings.Fields(`Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Thomas Moore Martin
Jackson Thompson White Harris Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams Nelson Baker Hall
Campbell Mitchell Carter Roberts Phillips Evans Turner Parker Collins Edwards Stewart Morris Murphy Cook Rogers Morgan
Cooper Peterson Bailey Reed Kelly Howard Ward Cox Richardson Wood Watson Brooks Bennett Gray Hughes Price Foster Sanders
Ross Myers Long Hayes Powell Jenkins Perry Sullivan Russell Bell Coleman Butler Henderson Barnes Fisher Simmons Graham
Hamilton Reynolds Griffin Wallace West Cole Hunter Palmer Mason Dixon Gordon Shaw Rice Robertson Black Stone Grant Ellis`)
	englishGiven = [2][]string{
		strings.Fields(`Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Emma Olivia Sophia Nancy Lisa Margaret
Ashley Emily Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca Laura Helen Sharon Cynthia Amy Kathleen Angela
Anna Ruth Nicole Katherine Samantha Christine Rachel Grace Chloe Hannah Alice Julia Victoria Abigail Claire Lucy Ella`),
		strings.Fields(`James Robert John Michael David William Richard Joseph Thomas Charles Liam Noah Oliver Christopher Daniel Matthew
Anthony Mark Donald Steven Andrew Paul Joshua Kenneth Kevin Brian George Timothy Ronald Jason Edward Jeffrey Ryan Jacob
Gary Nicholas Eric Jonathan Stephen Larry Justin Scott Benjamin Samuel Henry Lucas Ethan Jack Adam Leo`),
	}
)

var (
	englishFamilyTotals = rankTotals(englishFamilies)
	englishGivenTotals  = [2][]int{rankTotals(englishGiven[0]), rankTotals(englishGiven[1])}
)

func rankTotals(names []string) []int {
	rank := 9
	return running(names, func(string) int { rank++; return 100_000 / rank })
}
