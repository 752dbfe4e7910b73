# Loaders and metric that all data sets share. Workers are restarted in
# every epoch, so that EpochSeedHook can seed them: a resumed run draws the
# augmentations of an uninterrupted one.
train_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='CheckedVideoDataset'))
# Clips of a step, of all processes, for which the rates are right; a config
# that sets another batch_size sets this, too. --auto-scale-lr turns it on.
auto_scale_lr = dict(enable=False, base_batch_size=8)
val_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CheckedVideoDataset', test_mode=True))
test_dataloader = dict(
    batch_size=1,
    num_workers=8,
    persistent_workers=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CheckedVideoDataset', test_mode=True))

val_evaluator = dict(type='AccMetric')
test_evaluator = val_evaluator
