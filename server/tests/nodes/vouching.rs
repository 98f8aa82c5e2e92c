//! Who asks again what came of a call hears nothing that a failover may yet take back.

use server::clock::Clock;
use server::store::redis::Options;
use shared::api::ScanRequest;
use shared::problem::ProblemCode;

use super::load::{is_away, roomy};
use super::moving::redeem;
use super::programs::phone;
use crate::support::nodes::{Deployment, Node};
use crate::support::pc;
use crate::support::redis::Redis;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_no_replica_has_is_not_vouched_for() {
    let mut redis = Redis::with_replicas().await;
    let deployment = Deployment::begin(roomy).await;
    let options = Options { replicas: 1, ..redis.options() };
    let node = Node::start(redis.place(), &options, Clock::system(), &deployment).await;
    let (client, url) = (node.client(), &deployment.settings.public_url);
    let phone = phone(&client, "emma").await;
    let (issued, scanned) = {
        let issued = client.issue(&pc()).await.unwrap();
        let code = url.scan_code_in(&issued.verification_uri_complete).unwrap();
        (issued, phone.scan(&ScanRequest::scan_code(&code)).await.unwrap())
    };
    let owner = redis.owner_of(&format!("{{{}}}", issued.device_code.tag().as_str())).unwrap();
    let replica = redis.replica_of(owner);

    redis.pause(replica);
    for again in ["first", "again"] {
        let confirmed = phone.confirm(&scanned.confirm_token).await.unwrap_err();
        assert!(is_away(&confirmed), "{again}: {confirmed:?}");
    }
    redis.resume(replica);
    redis.follows(replica).await;
    let confirmed = phone.confirm(&scanned.confirm_token).await.unwrap_err();
    assert_eq!(confirmed.problem().unwrap().code, ProblemCode::ConfirmTokenUsed);

    let tokens = redeem(&client, &issued).await;
    let session = client.me(&tokens.access_token).await.unwrap().session_id;
    redis.pause(replica);
    for again in ["first", "again"] {
        let ended = phone.end_session(session).await.unwrap_err();
        assert!(is_away(&ended), "{again}: {ended:?}");
        let revoked = client.revoke("tests", tokens.access_token.expose()).await.unwrap_err();
        assert!(is_away(&revoked), "{again}: {revoked:?}");
    }
    redis.resume(replica);
    redis.follows(replica).await;
    let ended = phone.end_session(session).await.unwrap_err();
    assert_eq!(ended.problem().unwrap().code, ProblemCode::NotFound);
    client.revoke("tests", tokens.access_token.expose()).await.unwrap();
    node.stop().await;
}
