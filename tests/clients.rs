//! What a link gives to a client, and a client of the protocol's own library in this process.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use shadowsocks::{
    ProxyClientStream, ServerConfig,
    config::ServerType,
    context::{Context, SharedContext},
    net::{ConnectOpts, TcpStream as OutboundStream},
    relay::{
        Address,
        udprelay::{options::UdpSocketControlData, proxy_socket::ProxySocket},
    },
};

use crate::world::{PATIENCE, free_port};

/// The method and the password that a link gives to a client.
pub(crate) struct Credentials {
    pub(crate) method: String,
    pub(crate) password: String,
    pub(crate) server: SocketAddr,
}

impl Credentials {
    pub(crate) fn of(link: &str) -> Self {
        let config = server_config(link);
        let identities = config.identity_keys().iter().map(|key| base64(key) + ":").collect::<String>();
        Self {
            method: config.method().to_string(),
            password: identities + config.password(),
            server: config.addr().to_string().parse().unwrap(),
        }
    }
}

/// A link as the protocol's own library reads it.
pub(crate) fn server_config(link: &str) -> ServerConfig {
    ServerConfig::from_url(link).unwrap()
}

/// The protocol's own library as a client in this process.
pub(crate) struct InProcess {
    config: ServerConfig,
    context: SharedContext,
    options: ConnectOpts,
}

impl InProcess {
    pub(crate) fn new(link: &str) -> Self {
        let context = Context::new_shared(ServerType::Local);
        Self { config: server_config(link), context, options: ConnectOpts::default() }
    }

    /// The same client at another address of this machine.
    pub(crate) fn at(mut self, source: IpAddr) -> Self {
        self.options.bind_local_addr = Some((source, 0).into());
        self
    }

    /// A stream through the tunnel. The library sends its head with the first write and does not take a long one:
    /// begin with a short one.
    pub(crate) async fn connect(&self, target: SocketAddr) -> ProxyClientStream<OutboundStream> {
        self.try_connect(target).await.unwrap()
    }

    /// The same, where the service may be gone.
    pub(crate) async fn try_connect(
        &self,
        target: impl Into<Address>,
    ) -> io::Result<ProxyClientStream<OutboundStream>> {
        ProxyClientStream::connect_with_opts(self.context.clone(), &self.config, target, &self.options).await
    }

    /// Sends this packet again and again, each after the answer to the one before, until there is none for a while; says
    /// how many were answered.
    pub(crate) async fn exchange_until_silence(
        &self,
        target: SocketAddr,
        packet: &[u8],
        silence: std::time::Duration,
    ) -> u64 {
        let socket = ProxySocket::connect_with_opts(self.context.clone(), &self.config, &self.options).await.unwrap();
        let mut control = UdpSocketControlData::default();
        control.client_session_id = u64::from(free_port());
        let (mut answered, target) = (0, target.into());
        loop {
            control.packet_id += 1;
            socket.send_with_ctrl(&target, &control, packet).await.unwrap();
            match tokio::time::timeout(silence, socket.recv(&mut vec![0; 65536])).await {
                Ok(Ok(_)) => answered += 1,
                _ => return answered,
            }
        }
    }

    /// Sends each packet and waits for its answer.
    pub(crate) async fn exchange(&self, target: impl Into<Address>, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let socket = ProxySocket::connect_with_opts(self.context.clone(), &self.config, &self.options).await.unwrap();
        let target = target.into();
        let mut control = UdpSocketControlData::default();
        control.client_session_id = u64::from(free_port());
        let mut answers = Vec::new();
        for packet in packets {
            control.packet_id += 1;
            socket.send_with_ctrl(&target, &control, packet).await.unwrap();
            let mut answer = vec![0; 65536];
            let received = tokio::time::timeout(PATIENCE, socket.recv(&mut answer)).await;
            answers.push(answer[..received.unwrap().unwrap().0].to_vec());
        }
        answers
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(DIGITS[(number >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text + &"=".repeat((3 - bytes.len() % 3) % 3)
}
