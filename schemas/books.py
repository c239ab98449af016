"""Frames of the books as people read them: vouchers, trial balance, accounts' names."""

import pandera.polars as pa
import polars as pl

from schemas.entity import Role
from schemas.registers import EVENTS, HEX, PERIOD

# 会计科目: Chinese and English name of each role of the chart.
NAMES: dict[Role, tuple[str, str]] = {
    "bank": ("银行存款", "Bank"),
    "receivable": ("应收账款", "Receivables"),
    "inventory": ("数据资源存货", "Inventory, data resources"),
    "provision": ("存货跌价准备", "Inventory write-down allowance"),
    "investment": ("长期股权投资", "Long-term equity investment"),
    "intangible": ("无形资产—数据资源", "Intangible assets, data resources"),
    "amortisation": ("累计摊销", "Accumulated amortisation"),
    "impairment": ("无形资产减值准备", "Impairment allowance"),
    "payroll": ("应付职工薪酬", "Employee benefits payable"),
    "input_vat": ("应交增值税—进项税额", "VAT payable, input"),
    "output_vat": ("应交增值税—销项税额", "VAT payable, output"),
    "research": ("研发支出—费用化支出", "R&D expenditure, expensed"),
    "development": ("研发支出—资本化支出", "R&D expenditure, capitalised"),
    "revenue": ("主营业务收入", "Revenue"),
    "cost_of_sales": ("主营业务成本", "Cost of sales"),
    "selling": ("销售费用", "Selling expenses"),
    "expense": ("管理费用", "Administrative expenses"),
    "impairment_loss": ("资产减值损失", "Impairment loss"),
    "disposal": ("资产处置损益", "Gain or loss on disposal"),
    "nonoperating_loss": ("营业外支出", "Non-operating expenses"),
    "short_term_loan": ("短期借款", "Short-term loans"),
    "long_term_loan": ("长期借款", "Long-term loans"),
    "interest_payable": ("应付利息", "Interest payable"),
    "interest_expense": ("财务费用", "Finance costs"),
}


class Entered(pa.DataFrameModel):
    """Who entered an entry, with the run that did. Key: entity, entry.

    ``reviewer`` is who approved it, empty below the threshold.
    """

    entity: str
    entry: str
    artifact: str = pa.Field(str_matches=HEX)
    preparer: str
    reviewer: str

    class Config:
        strict = True
        unique = ["entity", "entry"]


class Voucher(pa.DataFrameModel):
    """A line of an accounting voucher 记账凭证, as an ERP takes it in.

    ``number`` counts the vouchers of a period, by day and entry; it is final when the
    period is closed. One of ``debit_fen`` and ``credit_fen`` is 0. Key: entity, period,
    number, line.
    """

    entity: str
    period: str = pa.Field(str_matches=PERIOD)
    number: int = pa.Field(ge=1)
    line: int = pa.Field(ge=1)
    booked_on: pl.Date
    memo: str
    account: str
    account_name: str
    debit_fen: int = pa.Field(ge=0)
    credit_fen: int = pa.Field(ge=0)
    preparer: str
    reviewer: str
    source: str
    asset: str
    event: str = pa.Field(isin=EVENTS)
    entry: str
    artifact: str = pa.Field(str_matches=HEX)

    class Config:
        strict = True
        unique = ["entity", "period", "number", "line"]
