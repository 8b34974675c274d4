"""Pages as the content systems of government sites write them."""

from __future__ import annotations

from collections.abc import Sequence

SITE = "http://www.dept.example"


def listing(
    entries: Sequence[tuple[str, str, str]], following: str | None = None, more: str = ""
) -> str:
    """A list page with its entries (address, title, day) and its foot."""
    lines = "".join(
        f'<li><a href="{url}" title="{title}" target="_blank">{title}</a><span>{day}</span></li>\n'
        for url, title, day in entries
    )
    foot = "" if following is None else f'<a class="next" href="{following}">下一页</a>'
    return (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/'
        'xhtml1-transitional.dtd"><html xmlns="http://www.w3.org/1999/xhtml"><head>'
        '<meta http-equiv="Content-Type" content="text/html; charset=utf-8" /><title>通知公告</title></head>'
        '<body><div class="nav"><a href="/">首页</a> &gt; <a href="/zwgk/">政务公开</a></div>'
        f'<ul class="list">{lines}</ul>{more}'
        f'<div class="page"><a href="index.html">首页</a>{foot}<a href="last.html">尾页</a></div></body></html>'
    )


def document(title: str, body: str, head: str = "", files: str = "", day: str = "") -> str:
    """A document's page; `head` is the table of its index number and so on."""
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8">'
        f'<meta name="ArticleTitle" content="{title}"><meta name="PubDate" content="{day}">'
        f"<title>{title}_示例市停车管理局</title><script>var hits = 5;</script></head><body>{head}<h1>{title}</h1>"
        '<p>浏览次数：<span id="hits">5</span></p>'
        f'<div id="zoom"><div class="TRS_Editor">{body}{files}</div></div>'
        '<div class="footer"><a href="/about.pdf">网站说明</a></div></body></html>'
    )


_TABLE = """<table class="xxgk"><tr><td><b>索 引 号：</b></td><td>11370100MB28441234/2026-00001</td>
<td><b>发布机构：</b></td><td>示例市停车管理局</td></tr><tr><td>发文字号：</td><td>示停发〔2026〕1号</td>
<td>成文日期：</td><td>2026年1月12日</td></tr></table>"""
_LINE = "<div class=info><span>索引号：11370100MB28441234/2026-00002</span>　<span>文号：</span><span></span></div>"
_FILES = """<p>附件：<a href="./P020260115001.xlsx">附件1：公共停车场名录.xlsx</a></p>
<p><a href="/download/sm.pdf?id=7">附件2：编制说明</a></p><p><a href="mailto:a@dept.example">联系</a></p>"""
_TEXT = "<p>各区停车管理办公室：</p><p>　　现将2026年度公共停车场名录<b>予以</b>公布。</p><!-- 2.0 --><p>特此通知。</p>"
_LONG = "关于公布2026年度公共停车场名录的通知"
_FOLDER = f"{SITE}/zwgk/tzgg"

COLUMN = {
    f"{_FOLDER}/index.html": listing(
        [("./202601/t1.html", _LONG, "[2026-01-15]"), ("./202601/t2.html", "二", "2026-01-14")],
        "index_1.html",
    ),
    f"{_FOLDER}/index_1.html": listing(
        [("202601/t2.html", "二", "2026-01-14"), ("../tzgg/202601/t3.html", "三", "2026年1月13日")],
        "./index_2.html",
    ),
    f"{_FOLDER}/index_2.html": listing(
        [("/zwgk/tzgg/202601/t4.html", "四", ""), (f"{_FOLDER}/202601/t5.html", "五", "")]
    ),
    f"{_FOLDER}/202601/t1.html": document(_LONG, _TEXT, _TABLE, _FILES, "2026-01-15 09:00"),
    f"{_FOLDER}/202601/t2.html": document("二", "<p>正文。</p>", _LINE),
    f"{_FOLDER}/202601/t3.html": document("三", "<p>正文。</p>"),
    f"{_FOLDER}/202601/t4.html": document("四", "<p>正文。</p>", day="2026/01/12"),
    f"{_FOLDER}/202601/t5.html": document("五", "<p>正文。</p>", day="2026-01-11"),
}

_MAPS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
SITEMAP = (
    f'<?xml version="1.0" encoding="UTF-8"?><sitemapindex {_MAPS}><sitemap><loc>{SITE}/sitemap_1.xml</loc>'
    "</sitemap></sitemapindex>",
    f'<?xml version="1.0" encoding="UTF-8"?><urlset {_MAPS}>'
    f"<url><loc>{SITE}/art/2026/1/5/art_1_1.html</loc><lastmod>2026-01-05T08:00:00+08:00</lastmod></url>"
    f"<url><loc>{SITE}/art/2026/1/6/art_1_2.html</loc><lastmod>2026-01-06</lastmod></url>"
    f"<url><loc>{SITE}/about.html</loc></url></urlset>",
)
RSS = f"""<?xml version="1.0" encoding="gb2312"?><rss version="2.0"><channel><title>通知公告</title>
<link>{SITE}/</link><item><title>关于公布名录的通知</title>
<link>https://www.dept.example/zwgk/tzgg/202601/t1.html</link><pubDate>Mon, 05 Jan 2026 10:00:00 +0800</pubDate>
<description><![CDATA[<p>现将名录<b>予以</b>公布。</p><script>x()</script>]]></description>
<enclosure url="/a.xlsx" type="application/vnd.ms-excel" length="9"/></item></channel></rss>"""
ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>通知公告</title><entry>
<title type="html">关于公布名录的通知</title><id>urn:1</id><updated>2026-01-05T20:00:00Z</updated>
<published>2026-01-05T01:00:00Z</published><link rel="self" href="{SITE}/feed/1"/>
<link rel="alternate" href="{SITE}/zwgk/tzgg/202601/t1.html"/><link rel="enclosure" href="{SITE}/a.xlsx"/>
<summary>现将名录予以公布。</summary></entry></feed>"""
