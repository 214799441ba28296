//! Links to Redis-compatible servers: one server, the master that Sentinel names, or a cluster.

mod cluster;
mod connection;
mod connection_observer;
mod connector;
mod delta_listener;
mod endpoint;
mod link_actor;
mod notifications;
mod pipeline;
mod read_notifier;
mod redirect;
mod redis_link;
mod send_queue;
mod sentinel;
mod server_errors;
mod setup_timeout;
mod slot;
mod subscriptions;

pub(super) use cluster::ClusterLink;
pub(super) use notifications::NotificationOptions;
pub(super) use redis_link::RedisLink;
pub(super) use subscriptions::Subscriptions;
