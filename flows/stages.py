"""Every stage task by name: add yours as one line."""

from typing import Any

from flows import secret
from schemas.artifact import Stage
from tasks.asset.appraise.appraisal import appraisal
from tasks.asset.approve import approve
from tasks.asset.assetize import assetize
from tasks.asset.close import close
from tasks.asset.decide import decide
from tasks.asset.disclose.disclose import disclose
from tasks.asset.drivers import measure_drivers
from tasks.asset.post import post
from tasks.asset.register import register_dispute, register_right
from tasks.asset.reverse import reverse
from tasks.capital.capitalize import capitalize
from tasks.capital.contribute import contribute
from tasks.capital.enforce import step_in
from tasks.capital.lend import draw_loan, record_loan_fact
from tasks.capital.loan.keep import keep_loans
from tasks.capital.others import survey
from tasks.capital.plan import pay_out
from tasks.capital.pledging import register_pledge
from tasks.capital.pool import securitise
from tasks.capital.realise import realise
from tasks.capital.roots import fingerprint
from tasks.capital.secure import secure
from tasks.capital.tell import tell
from tasks.capital.trust import distribute, settle
from tasks.capital.watch import watch
from tasks.product.bundle import deliver
from tasks.product.derive import derive
from tasks.product.entitle import replace_key, revoke_order, withdraw_product
from tasks.product.invoice import issue_invoices
from tasks.product.meter import meter
from tasks.product.order import order, renew
from tasks.product.productize import productize
from tasks.resource.assess import assess
from tasks.resource.classify import classify
from tasks.resource.clean import clean
from tasks.resource.collect import collect
from tasks.resource.erase import erase
from tasks.resource.gather import gather
from tasks.resource.redrive import redrive
from tasks.resource.transform import transform
from tasks.stage import stage_task
from tasks.stage.task import StageTask

collect_task = stage_task(Stage.RESOURCE, collect)
clean_task = stage_task(Stage.RESOURCE, clean)
transform_task = stage_task(Stage.RESOURCE, transform)
gather_task = stage_task(Stage.RESOURCE, gather)
redrive_task = stage_task(Stage.RESOURCE, redrive, "act")
# Whoever runs a stage, a flow or a worker of Dask, finds the house's secrets.
secret.offer()
erase_task = stage_task(Stage.RESOURCE, erase, "act")
assess_task = stage_task(Stage.RESOURCE, assess)
classify_task = stage_task(Stage.RESOURCE, classify)
derive_task = stage_task(Stage.PRODUCT, derive)
productize_task = stage_task(Stage.PRODUCT, productize)
measure_drivers_task = stage_task(Stage.ASSET, measure_drivers)
assetize_task = stage_task(Stage.ASSET, assetize)
close_task = stage_task(Stage.ASSET, close, "close")
post_task = stage_task(Stage.ASSET, post)
appraisal_task = stage_task(Stage.ASSET, appraisal, "act")
disclose_task = stage_task(Stage.ASSET, disclose, "act")
fingerprint_task = stage_task(Stage.CAPITAL, fingerprint)
survey_task = stage_task(Stage.CAPITAL, survey)
capitalize_task = stage_task(Stage.CAPITAL, capitalize)
draw_loan_task = stage_task(Stage.CAPITAL, draw_loan, "act")
record_loan_fact_task = stage_task(Stage.CAPITAL, record_loan_fact, "act")
keep_loans_task = stage_task(Stage.CAPITAL, keep_loans)
tell_task = stage_task(Stage.CAPITAL, tell, "act")
watch_task = stage_task(Stage.CAPITAL, watch)
contribute_task = stage_task(Stage.CAPITAL, contribute)
settle_task = stage_task(Stage.CAPITAL, settle)
distribute_task = stage_task(Stage.CAPITAL, distribute, "act")
securitise_task = stage_task(Stage.CAPITAL, securitise)
pay_out_task = stage_task(Stage.CAPITAL, pay_out)
realise_task = stage_task(Stage.CAPITAL, realise, "act")
step_in_task = stage_task(Stage.CAPITAL, step_in, "act")
secure_task = stage_task(Stage.CAPITAL, secure, "act")
register_pledge_task = stage_task(Stage.CAPITAL, register_pledge, "act")
approve_task = stage_task(Stage.ASSET, approve, "approval")
reverse_task = stage_task(Stage.ASSET, reverse, "act")
decide_task = stage_task(Stage.ASSET, decide, "act")
register_right_task = stage_task(Stage.ASSET, register_right, "act")
register_dispute_task = stage_task(Stage.ASSET, register_dispute, "act")
order_task = stage_task(Stage.PRODUCT, order, "act")
renew_task = stage_task(Stage.PRODUCT, renew, "act")
replace_key_task = stage_task(Stage.PRODUCT, replace_key, "act")
revoke_order_task = stage_task(Stage.PRODUCT, revoke_order, "act")
withdraw_task = stage_task(Stage.PRODUCT, withdraw_product, "act")
invoice_task = stage_task(Stage.PRODUCT, issue_invoices, "act")
deliver_task = stage_task(Stage.PRODUCT, deliver, "act")
meter_task = stage_task(Stage.PRODUCT, meter, "act")

# Tasks that a document may name instead of a query: `product: {task: NAME}`.
PRODUCT_TASKS: dict[str, StageTask[..., Any]] = {}
