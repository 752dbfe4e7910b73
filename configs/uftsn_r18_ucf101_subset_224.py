# Five classes of UCF101 at full size, with the paper's plan, for a GPU.
_base_ = ['uftsn_r18_ucf101.py']

data_root = 'data/ucf101_subset/videos'
num_classes = 5
videos = dict(data_prefix=dict(video=data_root), num_classes=num_classes)

model = dict(cls_head=dict(num_classes=num_classes))

train_dataloader = dict(
    dataset=dict(videos, ann_file='data/ucf101_subset/train.txt'))
val_dataloader = dict(
    dataset=dict(videos, ann_file='data/ucf101_subset/test.txt'))
test_dataloader = val_dataloader
