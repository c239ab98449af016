"""Every word of the pages of survey and value in Chinese and English."""

from tasks.page.words import Pair

SURVEY_WORDS: dict[str, Pair] = {
    "title": ("数据资源普查", "Survey of data resources"),
    "about": (
        "每年末次评估时的存量。同一文件一年只计一次，计入按名称排序的首个要素。"
        "数字为整数，单位换算四舍五入到两位。",
        "Stock at the last assessment of each year; a file counts once a year, for the"
        " first factor by name that reads it. Counts are whole; sizes in words are"
        " rounded half up to two places.",
    ),
    "several": (
        "由多家机构的表相加：跨机构的同一文件不能识别。",
        "Tables of several houses added up: a file that two of them hold is not told.",
    ),
    "years": ("年度合计", "By year"),
    "industries": ("按行业", "By industry"),
    "regions": ("按地区", "By region"),
    "year": ("年", "Year"),
    "industry": ("行业", "Industry"),
    "region": ("地区", "Region"),
    "factors": ("要素数", "Factors"),
    "bytes": ("字节", "Bytes"),
    "size": ("约", "About"),
    "rows": ("行数", "Rows"),
    "growth": ("增长", "Growth"),
    "new": ("新增", "new"),
    "none": ("尚无评估过的资源。", "No resource was assessed yet."),
}
