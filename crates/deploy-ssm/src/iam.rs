//! What has to be allowed: policies to copy, for who deploys and for the node.
