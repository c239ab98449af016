"""Every stage task by name: add yours as one line."""

from schemas.artifact import Stage
from tasks.asset.assetize import assetize
from tasks.asset.revoke import revoke_right
from tasks.capital.capitalize import capitalize
from tasks.product.productize import productize
from tasks.resource.collect import collect
from tasks.resource.transform import transform
from tasks.stage import stage_task

collect_task = stage_task(Stage.RESOURCE, collect)
transform_task = stage_task(Stage.RESOURCE, transform)
productize_task = stage_task(Stage.PRODUCT, productize)
assetize_task = stage_task(Stage.ASSET, assetize)
capitalize_task = stage_task(Stage.CAPITAL, capitalize)
revoke_right_task = stage_task(Stage.ASSET, revoke_right, "act")
