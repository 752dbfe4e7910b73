# The control of uftsn_r18_ucf101_subset.py: the same classifier, epochs and
# rates on the flow of an estimator that stays at its random start. What it
# gets right needs no motion estimation.
_base_ = ['uftsn_r18_ucf101_subset.py']

train_cfg = dict(max_epochs=13, val_begin=1)
default_hooks = dict(
    stages=dict(
        stages=dict(
            flow=None,
            classifier=dict(begin=0),
            joint=None,
            # The joint stage without the estimator.
            end=dict(
                begin=10,
                train=['backbone', 'cls_head'],
                losses=dict(cls=1.0),
                lr=dict(backbone=1e-4, cls_head=1e-4)))))
