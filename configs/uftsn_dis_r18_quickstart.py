# Stage 2 of uftsn_quickstart.py alone, on the flow of another estimator, whose
# name is all that differs between them: DIS here, any other with
#   --cfg-options model.flow_estimator.type=TVNetFlowEstimator
# A network needs weights beside its name, or its flow is random:
#   --cfg-options model.flow_estimator.type=PTLFlowEstimator \
#       model.flow_estimator.model=pwcnet \
#       model.flow_estimator.checkpoint=things
_base_ = ['uftsn_quickstart.py']

model = dict(
    flow_estimator=dict(_delete_=True, type='DISFlowEstimator'),
    # Without stage 1 and stage 3 nothing asks for them.
    photometric_loss=None,
    smoothness_loss=None)

train_cfg = dict(
    max_epochs=4, val_begin=1, val_interval=1, dynamic_intervals=None)
default_hooks = dict(
    stages=dict(
        stages=dict(flow=None, classifier=dict(begin=0), joint=None)))
