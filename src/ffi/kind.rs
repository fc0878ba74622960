//! What a handle can stand for.

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// `duo_config`
    Config = 1,
    /// `duo_queue`
    Queue = 2,
    /// `duo_pool`
    Pool = 3,
    /// `duo_node`
    Node = 4,
    /// `duo_sub`
    Sub = 5,
    /// `duo_lane`
    Lane = 6,
    /// `duo_stage`
    Stage = 7,
    /// `duo_lane_producer`
    LaneProducer = 8,
    /// `duo_replog`
    Replog = 9,
    /// `duo_breaker`
    Breaker = 16,
    /// `duo_limiter`
    Limiter = 17,
    /// `duo_bulkhead`
    Bulkhead = 18,
    /// `duo_retry`
    Retry = 19,
    /// `duo_stack`
    Stack = 20,
    /// `duo_registry`
    Registry = 21,
}

impl Kind {
    const ALL: [Self; 15] = [
        Self::Config,
        Self::Queue,
        Self::Pool,
        Self::Node,
        Self::Sub,
        Self::Lane,
        Self::Stage,
        Self::LaneProducer,
        Self::Replog,
        Self::Breaker,
        Self::Limiter,
        Self::Bulkhead,
        Self::Retry,
        Self::Stack,
        Self::Registry,
    ];

    /// From its number.
    pub(super) fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u64 == number)
    }

    pub(super) const fn type_name(self) -> &'static str {
        match self {
            Self::Config => "duo_config",
            Self::Queue => "duo_queue",
            Self::Pool => "duo_pool",
            Self::Node => "duo_node",
            Self::Sub => "duo_sub",
            Self::Stage => "duo_stage",
            Self::Lane => "duo_lane",
            Self::LaneProducer => "duo_lane_producer",
            Self::Replog => "duo_replog",
            Self::Breaker => "duo_breaker",
            Self::Limiter => "duo_limiter",
            Self::Bulkhead => "duo_bulkhead",
            Self::Retry => "duo_retry",
            Self::Stack => "duo_stack",
            Self::Registry => "duo_registry",
        }
    }
}
