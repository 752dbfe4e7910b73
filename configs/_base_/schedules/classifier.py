# The classifier behind a flow that does not train: the epochs and rates that
# it has in the second and third stage of three_stages.py.
_base_ = ['three_stages.py']

train_cfg = dict(max_epochs=50, val_begin=1)

custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(
        type='StagedTrainingHook',
        stages=[
            dict(
                name='classifier',
                begin=0,
                lr=dict(backbone=1e-3, cls_head=1e-3)),
            dict(
                name='annealing',
                begin=30,
                train=['backbone', 'cls_head'],
                losses=dict(cls=1.0),
                lr=dict(backbone=1e-4, cls_head=1e-4))
        ])
]
