# Registration, logging, safe checkpoints and repeatable runs.
custom_imports = dict(imports=['uftsn_mmaction'], allow_failed_imports=False)
default_scope = 'mmaction'

default_hooks = dict(
    # Without hundreds of lines on parameters and hooks.
    quiet_log=dict(type='QuietLogHook'),
    runtime_info=dict(type='RuntimeInfoHook'),
    # The time left, although the steps of stages differ in cost.
    timer=dict(type='StageTimerHook'),
    logger=dict(type='LoggerHook', interval=20, ignore_last=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # No kill, copy or damage loses the last checkpoint, and --resume takes the
    # newest sound one.
    checkpoint=dict(
        type='SafeCheckpointHook',
        interval=1,
        max_keep_ckpts=3,
        save_best='acc/top1',
        rule='greater',
        backend_args=dict(backend='atomic')),
    # A test of a half-filled model would give the metrics of random weights.
    complete_checkpoint=dict(type='CompleteCheckpointHook'),
    # One NaN in a gradient would reach every weight, and every checkpoint.
    finite_training=dict(type='FiniteTrainingHook'),
    # The losses of a collapsed flow look good.
    flow_health=dict(type='FlowHealthHook'),
    # NaN scores would be counted as guesses.
    finite_scores=dict(type='FiniteScoresHook'),
    # Videos that cannot be used are left out of a training; says how many.
    bad_videos=dict(type='BadVideosHook'),
    # Spares a CPU the page faults of its tensors.
    keep_heap=dict(type='KeepHeapHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    sync_buffers=dict(type='SyncBuffersHook'),
    # A resumed run draws what the uninterrupted one would have drawn.
    epoch_seed=dict(type='EpochSeedHook'),
    # SIGTERM saves a checkpoint of the present iteration.
    interruption=dict(type='InterruptionHook'),
    exact_resume=dict(type='ExactResumeHook'))

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))

log_processor = dict(type='LogProcessor', window_size=20, by_epoch=True)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='ActionVisualizer', vis_backends=vis_backends)
log_level = 'INFO'
load_from = None
resume = False

randomness = dict(seed=0)
