# Table 2, "TV-L1": OpenCV's solver at its defaults in place of the estimator
# of the paper's motion stream; HMDB51 with EXPERIMENT=uftsn_r18_hmdb51 in the
# environment. The classifier has the epochs and rates of the second and third
# stage.
#
# The solver runs on the CPU, a pair of frames in each thread, again in
# every epoch: on UCF101 about 80 days of one core for each split.
# docs/cached_flow.md shows how to compute each pair once; a classifier trained
# on cached flow loads into this model.
_base_ = ['../{{$EXPERIMENT:uftsn_r18_ucf101}}.py']

model = dict(
    flow_estimator=dict(
        _delete_=True, type='TVL1FlowEstimator', num_workers=8),
    # The estimator does not train.
    photometric_loss=None,
    smoothness_loss=None)

__stages = _base_.default_hooks.stages.stages
__begin = __stages.classifier.begin
train_cfg = dict(max_epochs=_base_.train_cfg.max_epochs - __begin, val_begin=1)
default_hooks = dict(
    stages=dict(
        stages=dict(
            flow=None,
            classifier=dict(begin=0),
            joint=None,
            annealing=dict(
                begin=__stages.joint.begin - __begin,
                train=['backbone', 'cls_head'],
                losses=dict(cls=1.0),
                lr=dict(
                    backbone=__stages.joint.lr.backbone,
                    cls_head=__stages.joint.lr.cls_head)))))

work_dir = ('work_dirs/{{$EXPERIMENT:uftsn_r18_ucf101}}_tvl1' +
            _base_.get('split_suffix', ''))
