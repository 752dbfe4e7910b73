# HMDB51 as MMAction2 prepares it; splits, clips and samples are those of
# UCF101.
_base_ = ['ucf101.py']

data_root = 'data/hmdb51/videos'
ann_file_train = 'data/hmdb51/hmdb51_train_split_{{$SPLIT:1}}_videos.txt'
ann_file_test = 'data/hmdb51/hmdb51_val_split_{{$SPLIT:1}}_videos.txt'
num_classes = 51

train_dataloader = dict(
    dataset=dict(
        ann_file=ann_file_train,
        data_prefix=dict(video=data_root),
        num_classes=num_classes))
val_dataloader = dict(
    dataset=dict(
        ann_file=ann_file_test,
        data_prefix=dict(video=data_root),
        num_classes=num_classes))
test_dataloader = val_dataloader
