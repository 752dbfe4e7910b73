# Both streams on HMDB51, split 2.
_base_ = ['../uftsn_fusion_hmdb51.py']

split = 2
ann_file_train = f'data/hmdb51/hmdb51_train_split_{split}_videos.txt'
ann_file_test = f'data/hmdb51/hmdb51_val_split_{split}_videos.txt'

model = dict(
    streams=dict(
        spatial=dict(
            model='{{ fileDirname }}/tsn_r152_hmdb51_split2.py',
            checkpoint='work_dirs/tsn_r152_hmdb51_split2/epoch_50.pth'),
        temporal=dict(
            model='{{ fileDirname }}/uftsn_r18_hmdb51_split2.py',
            checkpoint='work_dirs/uftsn_r18_hmdb51_split2/epoch_80.pth')))

test_dataloader = dict(dataset=dict(ann_file=ann_file_test))
