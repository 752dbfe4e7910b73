# Table 2, "PWC-Net": ptlflow's network in place of TV-L1, with the
# published weights of FlyingThings3D, which are downloaded at the first start
# and have a licence of their own. Needs the extra ptlflow, see
# docs/installation.md.
_base_ = ['uftsn_tvl1.py']

model = dict(
    flow_estimator=dict(
        _delete_=True,
        type='PTLFlowEstimator',
        model='pwcnet',
        checkpoint='things'))

work_dir = ('work_dirs/{{$EXPERIMENT:uftsn_r18_ucf101}}_pwcnet' +
            _base_.get('split_suffix', ''))
