# Stage 2 of uftsn_quickstart.py alone, on the flow of another estimator: DIS
# here, any other by its name:
#   --cfg-options model.flow_estimator.type=TVNetFlowEstimator
# A network also needs weights, or its flow is random:
#   --cfg-options model.flow_estimator.type=PTLFlowEstimator \
#       model.flow_estimator.model=pwcnet \
#       model.flow_estimator.checkpoint=things
_base_ = ['uftsn_quickstart.py']

model = dict(
    flow_estimator=dict(_delete_=True, type='DISFlowEstimator'),
    # Only stages 1 and 3 need these losses.
    photometric_loss=None,
    smoothness_loss=None)

train_cfg = dict(
    max_epochs=4, val_begin=1, val_interval=1, dynamic_intervals=None)
default_hooks = dict(
    stages=dict(
        stages=dict(flow=None, classifier=dict(begin=0), joint=None)))
