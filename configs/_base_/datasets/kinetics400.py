# Kinetics-400 as MMAction2 prepares it; clips and samples are those of
# UCF101. Tests use the validation list.
_base_ = ['ucf101.py']

data_root = 'data/kinetics400/videos_train'
data_root_val = 'data/kinetics400/videos_val'
split = None  # one list for training and one for validation
split_suffix = ''
ann_file_train = 'data/kinetics400/kinetics400_train_list_videos.txt'
ann_file_test = 'data/kinetics400/kinetics400_val_list_videos.txt'
num_classes = 400

train_dataloader = dict(
    dataset=dict(
        ann_file=ann_file_train,
        data_prefix=dict(video=data_root),
        num_classes=num_classes))
val_dataloader = dict(
    dataset=dict(
        ann_file=ann_file_test,
        data_prefix=dict(video=data_root_val),
        num_classes=num_classes))
test_dataloader = val_dataloader
