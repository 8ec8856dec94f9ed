// What a page shows, as numbers: evaluated in the page.
(() => {
  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return { r: m[0], g: m[1], b: m[2], a: m.length > 3 ? m[3] : 1 }; };
  const over = (top, under) => ({ r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1 });
  const background = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches;
    return layers.reverse().reduce((under, layer) => over(layer, under), dark ? { r: 18, g: 18, b: 18, a: 1 } : { r: 255, g: 255, b: 255, a: 1 });
  };
  const light = c => [c.r, c.g, c.b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    const said = node.data.replace(/\u00a0/g, " ").trim();
    if (!said || ["STYLE", "SCRIPT"].includes(element.tagName)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect(), style = getComputedStyle(element);
    let hidden = style.visibility === "hidden" || box.width === 0;
    for (let e = element; e; e = e.parentElement) hidden = hidden || getComputedStyle(e).display === "none";
    if (hidden) continue;
    const under = background(element);
    texts.push({
      text: said, left: box.left, right: box.right, lines: new Set([...range.getClientRects()].map(r => Math.round(r.top))).size,
      size: parseFloat(style.fontSize), bold: parseInt(style.fontWeight) >= 700, contrast: contrast(over(parse(style.color), under), under),
    });
  }
  return {
    width: window.innerWidth, scroll: document.documentElement.scrollWidth, lang: document.documentElement.lang, title: document.title,
    images: document.querySelectorAll("img, picture, video, iframe, object, embed").length +
      [...document.querySelectorAll("*")].filter(e => getComputedStyle(e).backgroundImage !== "none").length,
    headings: [...document.querySelectorAll("h1, h2")].map(h => h.tagName + " " + h.innerText.replace(/\s+/g, " ").trim()),
    tables: [...document.querySelectorAll("table")].filter(t => !t.closest("[role=presentation]") && t.getAttribute("role") !== "presentation").length,
    texts,
  };
})()
