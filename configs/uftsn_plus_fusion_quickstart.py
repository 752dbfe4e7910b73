# Both streams of `make demo`, average fusion.
_base_ = ['uftsn_fusion_quickstart.py']

model = dict(
    streams=dict(
        temporal=dict(
            model='{{ fileDirname }}/uftsn_plus_quickstart.py',
            checkpoint='work_dirs/quickstart/temporal/epoch_7.pth')))
