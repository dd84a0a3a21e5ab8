"""Parts of ``tools/misc/cuda_check.py``: each compares a device with the CPU, whatever the device."""
