"""Columns of web sites: list pages, sitemaps, Atom and RSS, and the documents that they name.

Which of them an address leads to is seen from what answers. Selectors and patterns are data of the
source; pages are read by a program of its own within limits (`page_reader`). A document is known by
its address without the scheme, or by its index number. A list is whole only where it is seen to
end: a feed holds what is new alone, a page that names itself as the next ends nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from govopen_harvesters.columns import MOST_LISTS, PAUSE, SECOND, SWEEP_EVERY, Column
from govopen_harvesters.contract import DATASET, FILES, VALUES, Option, Page, Source, Web


class WebColumnConnector:
    """The documents of a column of a web site."""

    kind = "web_column"
    version = 1
    outcome = DATASET
    label: Mapping[str, str] = {"zh": "网站栏目", "en": "Column of a web site"}
    options: Sequence[Option] = (
        Option(
            "url",
            "url",
            "栏目、sitemap 或订阅源的地址",
            "Column, sitemap or feed",
            is_required=True,
        ),
        Option("match", "text", "文件地址须符合的模式", "Pattern of the documents' addresses"),
        Option("items", "text", "列表条目的选择器", "Selector of an entry of the list"),
        Option("link", "text", "条目中链接的选择器", "Selector of the link in an entry"),
        Option("date", "text", "条目中日期的选择器", "Selector of the day in an entry"),
        Option("next", "text", "下一页链接的选择器", "Selector of the link to the next page"),
        Option(
            "page_url", "text", "各页地址（{page} 代页码）", "Address of each page, with {page}"
        ),
        Option(
            "second", "number", "第二页的页码", "Number that the second page bears", default=SECOND
        ),
        Option("pages", "text", "总页数的模式", "Pattern of the number of pages"),
        Option("total", "text", "总条数的模式", "Pattern of the number of entries"),
        Option("hosts", "list", "文件所在的其他主机", "Further hosts of documents"),
        Option("list_only", "yes_no", "只取列表，不读文件页面", "Take the list alone, no document"),
        Option("title", "text", "标题的选择器", "Selector of the title"),
        Option("published", "text", "发布日期的选择器", "Selector of the day of publication"),
        Option("index_number", "text", "索引号的选择器", "Selector of the index number"),
        Option("labels", "mapping", "其他标签与字段", "Further labels and their names"),
        Option("body", "text", "正文的选择器", "Selector of the text"),
        Option("drop", "list", "正文中不取的部分", "Parts that are no text"),
        Option("attachments", "text", "附件的选择器", "Selector of the attachments"),
        Option(
            "key", "text", "标识：address 或 index_number", "Identifier: address or index_number"
        ),
        Option(
            "sweep_every",
            "number",
            "每几次归集读全部（其余只读新的）",
            "The whole column is read every so many runs",
            default=SWEEP_EVERY,
        ),
        Option(
            "most_pages", "number", "最多列表页数", "Most pages of the list", default=MOST_LISTS
        ),
        Option(
            "pause",
            "number",
            "两次请求的间隔（毫秒）",
            "Milliseconds between requests",
            default=PAUSE,
        ),
        FILES,
        Option("fields", "mapping", "字段对应", "Names and their fields"),
        VALUES,
        Option("constants", "mapping", "固定值", "Constants for absent fields"),
        Option("volatile", "list", "不计入变化的字段", "Names that do not count as a change"),
    )
    fields: Mapping[str, str] = {
        "title": "title",
        "body": "notes",
        "attachments": "resources",
        "keywords": "tags",
        "date": "created",
        "publisher": "publisher",
        "address": "landing_page",
        "index_number": "",
        "doc_number": "",
        "issued_on": "",
        "topic": "",
        "validity": "",
        "resources.url": "url",
        "resources.name": "name",
        "resources.format": "format",
    }
    volatile = frozenset[str]()

    def pages(self, source: Source, web: Web) -> Iterator[Page]:
        """Some documents at a time, list page after list page.

        Raises:
            CursorLost: other entries stand on the page of the list that was read last.
        """
        column = Column(source.options, web, source.watermark)
        for part in column.lists(source.cursor, source.met):
            yield from column.documents(part)


connector = WebColumnConnector()
