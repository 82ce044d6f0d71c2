//! stub until merged
#![allow(missing_docs)]
use crate::aws::Aws;
use deploy_core::error::Result;
#[derive(Clone, Debug)]
pub struct Instances(String);
#[derive(Clone, Debug)]
pub struct Fleet;
pub struct Instance {
    pub id: String,
}
impl Fleet {
    pub fn max_concurrency(&self) -> &str {
        "50"
    }
    pub fn max_errors(&self) -> &str {
        "0"
    }
}
impl Instances {
    pub fn id(id: &str) -> Result<Self> {
        Ok(Self(id.to_owned()))
    }
    pub async fn find(&self, _aws: &Aws, _several: bool) -> Result<Vec<Instance>> {
        Ok(vec![Instance { id: self.0.clone() }])
    }
}
impl std::fmt::Display for Instances {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
