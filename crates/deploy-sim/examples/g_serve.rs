//! Local.
#![allow(missing_docs, clippy::all)]
use deploy_sim::{Image, SimCluster};
#[tokio::main]
async fn main() {
    let cluster = SimCluster::builder().begins(std::time::SystemTime::now()).start();
    let at = cluster.serve(std::env::args().nth(1).unwrap().parse().unwrap()).await.unwrap();
    println!("{at}");
    std::future::pending::<()>().await;
}
