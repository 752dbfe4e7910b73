# Table 2, "PWC-Net": ptlflow's network in place of the estimator, with the
# published weights of FlyingThings3D, which are downloaded at the first start
# and have a licence of their own. Needs the extra ptlflow, see
# docs/installation.md.
_base_ = ['uftsn_r18.py']

model = dict(
    flow_estimator=dict(
        _delete_=True,
        type='PTLFlowEstimator',
        model='pwcnet',
        checkpoint='things'),
    # The estimator does not train.
    photometric_loss=None,
    smoothness_loss=None)
