#!/bin/bash
# run.sh [quick|full]   one line per run; exit 0 only if every run ended as expected.  Needs spin, gcc.  JOBS (default 2) runs at a time.
# ONLY='m_.*|aw_quiet'   just the runs whose whole name matches this expression; none matching is an error.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 3
what=${1:-quick}
case $what in quick) MEM=${MEM:-2800};; full) MEM=${MEM:-7000};; *) echo "usage: run.sh [quick|full]"; exit 2;; esac
export MEM
command -v spin >/dev/null && command -v gcc >/dev/null || { echo "needs spin and gcc"; exit 3; }
AW="-DAW -DX0 -DXT=1 -DNG=1 -DB=1"; AO="-DAW -DX0 -DXT=1 -DNG=1 -DB=0"
list() { cat <<LIST
# q|f  expected  name  mode  flags      q: quick and full, f: full only
# the protocol
f pass r_b2_qb_tb   bfs -DB=2 -DQB=1 -DTB=1 -DPOL=RESEND
f pass h_all1       bfs -DB=1 -DOB=1 -DCB=1 -DEB=1 -DTB=1
f pass h_ob_eb      bfs -DB=2 -DOB=1 -DEB=1
f pass h_ob2_qb     bfs -DB=1 -DOB=2 -DQB=1
f pass h_earlyoff   bfs -DB=2 -DQB=1 -DTB=1 -DEARLYOFF
f pass r_ob2        bfs -DB=2 -DOB=2 -DPOL=RESEND
f pass r_b3         bfs -DB=3 -DPOL=RESEND
f pass r_eb_cb      bfs -DB=1 -DEB=1 -DCB=1 -DTB=1 -DOB=1 -DXT=0 -DPOL=RESEND
f pass k_b3         bfs -DB=3 -DPOL=RETRYKEY
f pass h_nt2_b1     bfs -DNT=2 -DNG=2 -DB=1
f pass np_all       np -DB=1 -DOB=1 -DEB=1 -DTB=1
f pass np_r2        np -DB=2 -DQB=1 -DPOL=RESEND
q pass h_ob_cb      bfs -DB=2 -DOB=1 -DCB=1
q pass h_ob_qb      bfs -DB=2 -DOB=1 -DQB=1
q pass h_eb_tb      bfs -DB=2 -DEB=1 -DTB=1
q pass h_strict     bfs -DB=2 -DOB=2 -DXT=0
q pass r_cb         bfs -DB=2 -DCB=1 -DPOL=RESEND
q pass h_b3         bfs -DB=3
q pass r_eb_tb      bfs -DB=1 -DEB=1 -DTB=1 -DOB=1 -DPOL=RESEND
q pass r_ob         bfs -DB=2 -DOB=1 -DPOL=RESEND
q pass r_strict     bfs -DB=2 -DOB=1 -DXT=0 -DPOL=RESEND
q pass k_b2_tb      bfs -DB=2 -DTB=1 -DPOL=RETRYKEY
q pass k_ob         bfs -DB=2 -DOB=1 -DPOL=RETRYKEY
q pass h_nset2      bfs -DB=2 -DOB=1 -DNSET=2 -DLOOKANY
q pass h_nt2        bfs -DNT=2 -DNG=2 -DB=0 -DQB=1
q pass h_rounds     bfs -DB=1 -DQB=2 -DTB=1 -DXT=0 -DNG=4 -DMR=1
q pass h_rounds_tb  bfs -DB=0 -DQB=2 -DTB=2 -DOB=1 -DNG=5 -DMR=1
q pass h_rounds_ob2 bfs -DB=0 -DQB=4 -DOB=2 -DNG=5 -DMR=1
q pass np_h         np -DB=1 -DOB=1 -DQB=1 -DTB=1
q pass np_r         np -DB=1 -DOB=1 -DQB=1 -DPOL=RESEND
q pass np_k         np -DB=1 -DOB=1 -DQB=1 -DPOL=RETRYKEY
# a restore of the database, and its check
f pass s_b1_tb      bfs -DRB=1 -DB=1 -DTB=1 -DNG=2
f pass s_b1_ob      bfs -DRB=1 -DB=1 -DOB=1 -DNG=2
f pass s_b1_r       bfs -DRB=1 -DB=1 -DNG=2 -DPOL=RESEND
f pass s_ob_cb      bfs -DRB=1 -DB=0 -DOB=1 -DCB=1 -DNG=2
f pass s_tb_ng3     bfs -DRB=1 -DB=0 -DTB=1
f pass np_s         np -DRB=1 -DB=0 -DOB=1 -DNG=2
q pass s_b1         bfs -DRB=1 -DB=1 -DNG=2
f pass s_tb_qb      bfs -DRB=1 -DB=0 -DTB=1 -DQB=1 -DNG=2
q pass s_ob2        bfs -DRB=1 -DB=0 -DOB=2 -DNG=2
q pass s_eb         bfs -DRB=1 -DB=0 -DEB=1 -DOB=1 -DNG=2
q pass s_cb         bfs -DRB=1 -DB=0 -DCB=1 -DNG=2
q pass s_twice      bfs -DRB=2 -DB=0 -DNG=2
q pass s_r          bfs -DRB=1 -DB=0 -DTB=1 -DNG=2 -DPOL=RESEND
# reports (u_), inquiries (i_), another provider inside an attempt (o_)
f pass u_b2_rp2     bfs -DRPB=2 -DB=2
f pass u_b1_rp3     bfs -DRPB=3 -DB=1
f pass u_ob2        bfs -DRPB=2 -DB=1 -DOB=2
f pass u_all1       bfs -DRPB=1 -DB=1 -DOB=1 -DCB=1 -DEB=1
f pass u_nt2        bfs -DNT=2 -DNG=2 -DB=0 -DRPB=2
f pass u_r_ob       bfs -DRPB=2 -DB=1 -DOB=1 -DPOL=RESEND
q pass i_u_ob       bfs -DIB=1 -DRPB=2 -DB=1 -DOB=1 -DXT=0 -DCOMPLETE
f pass o_tb         bfs -DFO -DTB=1 -DB=2
f pass np_u         np -DRPB=2 -DB=1 -DOB=1
q pass u_b2         bfs -DRPB=1 -DB=2
q pass u_b1_ob      bfs -DRPB=2 -DB=1 -DOB=1
q pass u_eb_tb      bfs -DRPB=2 -DB=0 -DEB=1 -DTB=1 -DQB=1
q pass u_cb         bfs -DRPB=2 -DB=0 -DCB=1 -DOB=1
q pass u_note       bfs -DRPB=2 -DB=1 -DNOTE
q pass u_r          bfs -DRPB=2 -DB=1 -DPOL=RESEND
f pass u_atonce     bfs -DRPB=2 -DB=1 -DATONCE
q pass u_lies       bfs -DRPB=2 -DB=1 -DLB=1
q pass u_nset2      bfs -DRPB=2 -DB=0 -DOB=1 -DNSET=2 -DLOOKANY
f pass i_b2         bfs -DIB=2 -DB=2
q pass i_strict     bfs -DIB=2 -DB=2 -DXT=0 -DCOMPLETE
q pass i_weak       bfs -DIB=1 -DB=2 -DCOMPLETE
q pass o_tb2        bfs -DFO -DTB=2 -DB=1 -DXT=0
q pass o_i_u        bfs -DFO -DTB=1 -DIB=1 -DRPB=1 -DB=1 -DXT=0 -DCOMPLETE
q pass s_u          bfs -DRB=1 -DRPB=2 -DB=0 -DNG=2
f pass s_u_b1       bfs -DRB=1 -DRPB=2 -DB=1 -DNG=2
f pass s_u_r        bfs -DRB=1 -DRPB=2 -DB=0 -DNG=2 -DPOL=RESEND
f pass s_u_cb       bfs -DRB=1 -DRPB=2 -DB=0 -DCB=1 -DNG=2
q pass s_i          bfs -DRB=1 -DIB=1 -DB=0 -DNG=2 -DXT=0 -DCOMPLETE
f pass s_i_cb       bfs -DRB=1 -DIB=1 -DB=0 -DCB=1 -DNG=2 -DXT=0 -DCOMPLETE
# undelivered because of us (US), because of its content (UC); a verdict after a restore
f pass u_us_b2      bfs -DUS -DRPB=1 -DB=2
f pass u_us_ob      bfs -DUS -DRPB=2 -DB=1 -DOB=1
f pass u_us_lies    bfs -DUS -DRPB=2 -DB=1 -DLB=1
q pass u_us         bfs -DUS -DRPB=2 -DB=1
q pass u_us_ob2     bfs -DUS -DRPB=2 -DB=0 -DOB=2
q pass u_us_rp3     bfs -DUS -DRPB=3 -DB=0 -DOB=1
q pass u_us_rounds  bfs -DUS -DRPB=2 -DB=0 -DOB=1 -DQB=2 -DMR=1
q pass u_us_eb      bfs -DUS -DRPB=2 -DB=0 -DEB=1 -DTB=1 -DQB=1
q pass u_us_cb      bfs -DUS -DRPB=2 -DB=0 -DOB=1 -DCB=1
q pass u_us_r       bfs -DUS -DRPB=2 -DB=1 -DPOL=RESEND
q pass u_us_note    bfs -DUS -DRPB=2 -DB=1 -DNOTE
q pass u_us_nset2   bfs -DUS -DRPB=2 -DB=0 -DOB=1 -DNSET=2 -DLOOKANY
q pass np_us        np -DUS -DRPB=2 -DB=0 -DOB=1
q pass i_us         bfs -DUS -DIB=1 -DRPB=1 -DB=1 -DOB=1 -DXT=0 -DCOMPLETE
f pass s_us2        bfs -DUS -DRB=1 -DRPB=2 -DB=0 -DNG=2
f pass s_us_cb      bfs -DUS -DRB=1 -DRPB=1 -DB=0 -DCB=1
q pass s_us         bfs -DUS -DRB=1 -DRPB=1 -DB=0 -DNG=2
f pass u_content_b1 bfs -DUS -DUC -DRPB=2 -DB=1 -DCB=1
f pass u_content_3  bfs -DUS -DUC -DRPB=3 -DB=0 -DCB=1
q pass u_content    bfs -DUS -DUC -DRPB=2 -DB=0 -DOB=1 -DCB=1
q pass h_verdict    bfs -DVERDICT -DB=1 -DOB=2 -DXT=0
f pass s_content    bfs -DVERDICT -DRB=1 -DB=1 -DX0 -DXP=1 -DOB=1 -DCB=1 -DNG=2
q pass s_verdict    bfs -DVERDICT -DRB=1 -DB=0 -DOB=1 -DCB=1 -DNG=2
# the early draft
q pass aw_nofault      bfs $AO
q fail aw_disp_crash   bfs $AW -DXD=1
q fail aw_unack        bfs $AW -DXU=1
q fail aw_quiet        bfs $AO -DQB=1
q fail aw_reaper       bfs $AW -DXE=1
q fail aw_crash_lag    bfs $AW -DXC=1
q fail aw_stall        bfs $AW -DXS=1
q fail aw_cancel       bfs $AO -DOB=1
q fail aw_cancel_lies  bfs $AO -DOB=1 -DNOI2B
q fail aw_resend_next  bfs $AO -DOB=2 -DNOI2B -DNOKN -DNOEXH
q fail aw_resend_same  bfs $AO -DOB=2 -DNOI2B -DNOKN -DSAMEN
q fail aw_resendpol    bfs $AW -DXC=1 -DPOL=RESEND
# one rule removed
q fail m_abtoken       bfs -DB=2 -DMUT_ABTOKEN
q fail m_nosendby      bfs -DB=1 -DXT=0 -DPOL=RESEND -DMUT_NOSENDBY
q fail m_notoken       bfs -DB=1 -DMUT_NOTOKEN
q fail m_sucguard      bfs -DB=1 -DMUT_SUCGUARD
q fail m_suctoken      bfs -DB=2 -DPOL=RETRYKEY -DMUT_SUCTOKEN
q fail m_takefail      bfs -DB=2 -DPOL=RETRYKEY -DMUT_TAKEFAIL
q fail m_abstate       bfs -DB=2 -DPOL=RETRYKEY -DMUT_ABSTATE
q fail m_abtook        bfs -DB=2 -DPOL=RETRYKEY -DMUT_ABTOOK
q fail m_reqonly       bfs -DB=1 -DNOMON -DMUT_REQONLY
q fail m_unkfinal      bfs -DB=1 -DMUT_UNKFINAL
q fail m_wofffinal     bfs -DB=1 -DOB=1 -DMUT_WOFFFINAL
q fail m_nogen         bfs -DB=0 -DQB=1 -DNOMON -DMUT_NOGEN
q fail m_noreaper      bfs -DB=1 -DMUT_NOREAPER
q fail m_blindcancel   bfs -DB=0 -DOB=2 -DMUT_BLINDCANCEL
q fail m_retcancel     bfs -DB=0 -DOB=1 -DMUT_RETCANCEL
q fail m_blindexp      bfs -DB=1 -DEB=1 -DMUT_BLINDEXP
q fail m_norevsucc     bfs -DB=1 -DPOL=RESEND -DMUT_NOREVSUCC
q fail m_retsettle     bfs -DB=1 -DPOL=RESEND -DMUT_RETSETTLE
q fail m_corrnorev     bfs -DB=0 -DCB=1 -DMUT_CORRNOREV
q fail m_retcorr       bfs -DB=0 -DCB=1 -DMUT_RETCORR
q fail m_contnext      bfs -DB=1 -DMUT_CONTNEXT
q fail m_contfirst     bfs -DB=1 -DOB=1 -DMUT_CONTFIRST
q fail m_nolook        bfs -DB=1 -DOB=1 -DNOMON -DMUT_NOLOOK
q fail m_unccont       bfs -DB=1 -DOB=2 -DMUT_UNCCONT
q fail m_resumeclosed  bfs -DB=1 -DOB=2 -DNOMON -DMUT_RESUMECLOSED
q fail m_plainblind    bfs -DB=1 -DOB=2 -DNSET=2 -DMUT_PLAINBLIND
q fail m_readfirst     bfs -DB=0 -DNSET=2 -DLOOKANY -DMUT_READFIRST
q fail m_countthr      bfs -DB=0 -DTB=2 -DMR=1 -DNOMON -DMUT_COUNTTHR
q fail m_notanew       bfs -DB=0 -DQB=3 -DOB=1 -DNG=4 -DMR=1 -DNOMON -DMUT_NOTANEW
q fail m_rnocheck      bfs -DRB=1 -DB=0 -DMUT_RNOCHECK
q fail m_rnoresult     bfs -DRB=1 -DB=0 -DMUT_RNORESULT
q fail m_ralive        bfs -DRB=1 -DB=0 -DNOMON -DMUT_RALIVE
q fail m_rlower        bfs -DRB=1 -DB=0 -DTB=1 -DMUT_RLOWER
q fail m_rnomove       bfs -DRB=1 -DB=0 -DTB=1 -DNOMON -DMUT_RNOMOVE
q fail m_rgap          bfs -DRB=1 -DB=0 -DCB=1 -DNG=2 -DMUT_RGAP
q fail m_rwindow       bfs -DRB=1 -DB=1 -DMUT_RWINDOW
q fail m_softrep       bfs -DRPB=1 -DB=0 -DMUT_SOFTREP
q fail m_reptgt        bfs -DRPB=2 -DB=0 -DMUT_REPTGT
q fail m_repfail       bfs -DRPB=1 -DB=0 -DMUT_REPFAIL
q fail m_replook       bfs -DRPB=1 -DB=0 -DNOMON -DMUT_REPLOOK
q fail m_sucfinal      bfs -DRPB=1 -DB=0 -DMUT_SUCFINAL
q fail m_plainrep      bfs -DRPB=1 -DB=0 -DNOMON -DMUT_PLAINREP
q fail m_plaindeliv    bfs -DRPB=2 -DB=0 -DNOMON -DMUT_PLAINDELIV
q fail m_plainours     bfs -DUS -DRPB=1 -DB=0 -DNOMON -DMUT_PLAINOURS
q fail m_revlate       bfs -DRPB=1 -DB=1 -DPOL=RESEND -DMUT_REVLATE
q fail m_wishgone      bfs -DRPB=1 -DB=0 -DOB=1 -DMUT_WISHGONE
q fail m_endgone       bfs -DRPB=2 -DB=1 -DOB=1 -DMUT_ENDGONE
q fail m_cancgone      bfs -DRPB=2 -DB=1 -DOB=1 -DPOL=RESEND -DMUT_CANCGONE
q fail m_inqearly      bfs -DIB=1 -DB=1 -DXT=0 -DCOMPLETE -DMUT_INQEARLY
q fail m_inqlist       bfs -DIB=1 -DB=1 -DXT=0 -DMUT_INQLIST
q fail m_inqguard      bfs -DIB=1 -DB=1 -DCOMPLETE -DMUT_INQGUARD
q fail m_fotimeout     bfs -DFO -DB=1 -DMUT_FOTIMEOUT
q fail m_fosendby      bfs -DFO -DTB=1 -DIB=1 -DB=1 -DXT=0 -DCOMPLETE -DMUT_FOSENDBY
f fail m_rhold         bfs -DRB=1 -DRPB=2 -DB=0 -DCB=1 -DQB=1 -DMUT_RHOLD
q fail m_rihold        bfs -DRB=1 -DIB=1 -DB=0 -DCB=1 -DNG=2 -DXT=0 -DCOMPLETE -DMUT_RHOLD
q fail m_rsucc         bfs -DRB=1 -DRPB=2 -DB=0 -DNG=2 -DMUT_RSUCC
q fail m_rvhold        bfs -DVERDICT -DRB=1 -DB=0 -DOB=1 -DCB=1 -DNG=2 -DMUT_RHOLD
q fail m_rcont         bfs -DRB=1 -DB=1 -DX0 -DXP=1 -DCB=1 -DNG=2 -DMUT_RCONT
q fail m_ournext       bfs -DUS -DRPB=1 -DB=0 -DMUT_OURNEXT
q fail m_oursame       bfs -DUS -DRPB=1 -DB=0 -DNOMON -DMUT_OURSAME
q fail m_ouracc        bfs -DUS -DRPB=1 -DB=0 -DMUT_OURACC
q fail m_ourwish       bfs -DUS -DRPB=1 -DB=0 -DOB=1 -DNOMON -DMUT_OURWISH
q fail m_ourresume     bfs -DUS -DRPB=2 -DB=0 -DOB=1 -DMR=1 -DNOMON -DMUT_OURRESUME
q fail m_ourcount      bfs -DUS -DRPB=2 -DB=0 -DOB=1 -DQB=2 -DMR=1 -DMUT_OURCOUNT
q fail m_ourhold       bfs -DUS -DRB=1 -DRPB=1 -DB=0 -DCB=1 -DMUT_OURHOLD
q fail m_repcont       bfs -DUS -DUC -DRPB=1 -DB=0 -DMUT_REPCONT
# witnesses: the end can be reached
q fail w_throttled     bfs -DB=0 -DTB=1 -DWIT=1
q fail w_expired       bfs -DB=0 -DEB=1 -DWIT=2
q fail w_expwish       bfs -DB=1 -DEB=1 -DWIT=3
q fail w_exhausted     bfs -DB=0 -DEB=1 -DWIT=4
q fail w_rounds        bfs -DB=0 -DQB=2 -DMR=1 -DWIT=5
q fail w_anew          bfs -DB=0 -DQB=2 -DOB=1 -DMR=1 -DWIT=10
q fail w_uncounted     bfs -DB=0 -DTB=2 -DMR=1 -DWIT=11
q fail w_latesuccess   bfs -DB=1 -DPOL=RESEND -DWIT=6
q fail w_corrected     bfs -DB=1 -DOB=1 -DCB=1 -DWIT=7
q fail w_cancwish      bfs -DB=0 -DOB=1 -DWIT=8
q fail w_woff          bfs -DB=1 -DOB=1 -DWIT=9
q fail w_rlost         bfs -DRB=1 -DB=0 -DWIT=12
q fail w_rfound        bfs -DRB=1 -DB=0 -DWIT=13
q fail w_rheld         bfs -DRB=1 -DB=0 -DTB=1 -DWIT=14
q fail w_next          bfs -DRPB=1 -DB=0 -DWIT=15
q fail w_delivered     bfs -DRPB=1 -DB=1 -DWIT=16
q fail w_found         bfs -DIB=1 -DB=1 -DX0 -DXC=1 -DWIT=17
q fail w_takenback     bfs -DRPB=1 -DB=1 -DPOL=RESEND -DWIT=18
q fail w_undelcanc     bfs -DRPB=1 -DB=0 -DOB=1 -DWIT=19
q fail w_second        bfs -DFO -DTB=1 -DB=0 -DWIT=20
q fail w_contradict    bfs -DRPB=2 -DB=0 -DWIT=21
q fail w_woffagain     bfs -DRPB=2 -DB=1 -DOB=1 -DWIT=22
q fail w_ouragain      bfs -DUS -DRPB=1 -DB=0 -DWIT=24
q fail w_ourrounds     bfs -DUS -DRPB=2 -DB=0 -DMR=1 -DWIT=25
q fail w_strictest     bfs -DUS -DRPB=2 -DB=0 -DWIT=26
q fail w_ourcanc       bfs -DUS -DRPB=1 -DB=0 -DOB=1 -DWIT=27
q fail w_ourunk        bfs -DUS -DRPB=1 -DB=1 -DWIT=28
q fail w_plaindeliv    bfs -DRPB=1 -DB=0 -DWIT=30
q fail w_content       bfs -DUS -DUC -DRPB=1 -DB=0 -DCB=1 -DWIT=29
LIST
}
chosen() { list | awk -v what="$what" -v only="^(${ONLY:-.*})$" '($1 == "q" || ($1 == "f" && what == "full")) && $3 ~ only'; }
[ -n "$(chosen)" ] || { echo "no run of '$what' has a name that matches ONLY='$ONLY'"; exit 2; }
mkdir -p "$here/work"; out=$here/work/results.$what; : > "$out"
export here out
chosen | cut -d' ' -f2- |
  xargs -P "${JOBS:-2}" -L1 bash -c '"$here/one.sh" "$@" | tee -a "$out"; exit 0' _
total=$(chosen | wc -l); good=$(grep -c '^OK ' "$out")
echo "$good of $total runs as expected (${SECONDS}s)"
[ "$good" = "$total" ]
