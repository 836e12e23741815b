"""Image classification: digits and CIFAR-10, ridge regression on frozen features, and a ResNet-9."""
