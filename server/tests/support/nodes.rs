//! Several nodes on one Redis, behind a front that sends each connection to the next.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use server::clock::Clock;
use server::store::Store;
use server::store::redis::{Options, Place, RedisStore};
use server::{App, Listener, Settings};
use shared::client::Client;
use shared::code::PublicUrl;
use shared::random::OsRandom;
use shared::secret::ServerSecret;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::redis::Redis;
use super::{Server, http};

/// One server of several, in this process.
pub(crate) struct Node {
    pub(crate) addr: SocketAddr,
    pub(crate) store: Arc<dyn Store>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Node {
    /// A node that reaches its Redis at `place`.
    pub(crate) async fn start(place: &Place, options: &Options, clock: Clock, of: &Deployment) -> Self {
        Self::start_on(|store| store, place, options, clock, of).await
    }

    /// One with a store that the test wraps in something.
    async fn start_on(
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
        place: &Place,
        options: &Options,
        clock: Clock,
        of: &Deployment,
    ) -> Self {
        let store = RedisStore::open(place, options, clock.clone(), Arc::new(OsRandom)).await.unwrap();
        let store = wrap(Arc::new(store));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let app = App::new(of.settings.clone(), store.clone(), clock, Arc::new(OsRandom), of.secret.clone());
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server::serve(Listener { socket, tls: None }, app, async move {
            let _ = stopped.await;
        }));
        Self { addr, store, stop: Some(stop), served }
    }

    /// The typed client of this node alone.
    pub(crate) fn client(&self) -> Client {
        Client::new(PublicUrl::parse(&format!("http://{}", self.addr)).unwrap(), "tests").unwrap()
    }

    /// Stops as SIGTERM would, and waits for the end.
    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.served).await.unwrap().unwrap();
    }
}

/// What all nodes of a deployment have in common.
pub(crate) struct Deployment {
    pub(crate) settings: Settings,
    pub(crate) secret: ServerSecret,
    front: Front,
}

impl Deployment {
    /// One without nodes yet. Its public URL is that of its front.
    pub(crate) async fn begin(set: impl FnOnce(&mut Settings)) -> Self {
        let front = Front::open().await;
        let url = PublicUrl::parse(&format!("http://{}", front.addr)).unwrap();
        let mut settings = Settings { open_registration: true, ..Settings::new(url) };
        set(&mut settings);
        Self { settings, secret: ServerSecret::generate(&OsRandom), front }
    }

    /// Three nodes on a Redis.
    pub(crate) async fn three(
        redis: &Redis,
        clock: &Clock,
        set: impl FnOnce(&mut Settings),
    ) -> (Self, Vec<Node>) {
        let deployment = Self::begin(set).await;
        let mut nodes = Vec::new();
        for _ in 0..3 {
            nodes.push(Node::start(redis.place(), &redis.options(), clock.clone(), &deployment).await);
        }
        deployment.serve(&nodes);
        (deployment, nodes)
    }

    /// Whom the front sends connections to from now on.
    pub(crate) fn serve(&self, nodes: &[Node]) {
        self.serve_at(nodes.iter().map(|node| node.addr).collect());
    }

    /// As [`serve`](Self::serve), by address.
    pub(crate) fn serve_at(&self, nodes: Vec<SocketAddr>) {
        *self.front.nodes.lock().unwrap() = nodes;
    }

    /// Where the front is.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.front.addr
    }

    /// The typed client of the front.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.settings.public_url.clone(), "tests").unwrap()
    }
}

impl Server {
    /// Several nodes that look like one server, on a Redis Cluster. The test may wrap each one's store in something.
    pub(crate) async fn start_on_nodes(
        count: usize,
        mut wrap: impl FnMut(Arc<dyn Store>) -> Arc<dyn Store>,
        set: impl FnOnce(&mut Settings),
    ) -> Self {
        let redis = Redis::cluster().await;
        let clock = Clock::held(super::START.parse::<Timestamp>().unwrap());
        let deployment = Deployment::begin(set).await;
        let mut nodes = Vec::new();
        for _ in 0..count {
            let (place, options) = (redis.place(), redis.options());
            nodes.push(Node::start_on(&mut wrap, place, &options, clock.clone(), &deployment).await);
        }
        deployment.serve(&nodes);
        let (url, addr) = (deployment.settings.public_url.clone(), deployment.addr());
        let store = nodes[0].store.clone();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(async move {
            let _ = stopped.await;
            for node in nodes {
                node.stop().await;
            }
            drop((deployment, redis));
            Ok(())
        });
        Self { url, addr, clock, store, http: http(), stop: Some(stop), served }
    }
}

/// A load balancer of the simplest kind: the next connection goes to the next node.
struct Front {
    addr: SocketAddr,
    nodes: Arc<std::sync::Mutex<Vec<SocketAddr>>>,
    task: JoinHandle<()>,
}

impl Front {
    async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let nodes = Arc::new(std::sync::Mutex::new(Vec::<SocketAddr>::new()));
        let task = tokio::spawn({
            let nodes = nodes.clone();
            async move {
                for turn in 0_usize.. {
                    let Ok((mut client, _)) = listener.accept().await else { continue };
                    let nodes = nodes.lock().unwrap().clone();
                    tokio::spawn(async move {
                        // A node that is gone is passed over, as a load balancer would.
                        for next in 0..nodes.len() {
                            let node = nodes[(turn + next) % nodes.len()];
                            if let Ok(mut server) = TcpStream::connect(node).await {
                                let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
                                let _ = copy_bidirectional(&mut client, &mut server).await;
                                return;
                            }
                        }
                    });
                }
            }
        });
        Self { addr, nodes, task }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}
