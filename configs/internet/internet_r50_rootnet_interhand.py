# The paper's own test: boxes and wrist depths from RootNet's released results.
_base_ = ['./internet_r50_interhand.py']

rootnet = 'rootnet_output/rootnet_interhand2.6m_output_{}.json'
val_dataloader = dict(dataset=dict(rootnet_file=rootnet.format('val')))
test_dataloader = dict(dataset=dict(rootnet_file=rootnet.format('test')))
