"""Every word of the page of value over time in Chinese and English."""

from tasks.page.words import Pair

VALUE_WORDS: dict[str, Pair] = {
    "title": ("数据要素价值", "Value of data factors over time"),
    "about": (
        "成本按凭证发生月，收入按账期（不含税），次数与行数按交付，决策为当月最新产品中"
        "回答该决策的行数。",
        "Cost by the month in which it was incurred, revenue by the month invoiced for,"
        " without tax; calls and rows as delivered; decisions are the rows of the"
        " month's newest product that answer its decision.",
    ),
    "illustrative": (
        "当事人和金额为示例，并非真实。",
        "Parties and money are made up for illustration.",
    ),
    "decision": ("决策", "Decision"),
    "metric": ("收益的衡量（由用户）", "Gain, as its user measures it"),
    "month": ("月", "Month"),
    "cost": ("成本", "Cost"),
    "revenue": ("收入", "Revenue"),
    "calls": ("次数", "Calls"),
    "rows": ("行数", "Rows"),
    "decisions": ("决策数", "Decisions"),
    "all": ("合计", "All"),
    "yuan": ("元", "CNY"),
    "multiplier": ("乘数：合并减单独", "Multiplier: combined − apart"),
    "together": ("合并", "combined"),
    "apart": ("单独", "apart"),
    "times": ("倍", "times"),
    "alone": ("未合并多个来源。", "No sources of several are combined."),
    "none": ("尚无产品。", "There is no product yet."),
}
