//! The planted bugs: one switch per place where a promise can be broken.
//!
//! A build with `--cfg lsm_planted` carries them all and turns at most one on, per thread and at
//! run time; the evidence must then find it. In every other build `planted(..)` is the constant
//! `false`, and nothing is left of them.

macro_rules! bugs {
    ($($name:ident,)*) => {
        /// A place where the code can be told to break its promise.
        #[allow(missing_docs, reason = "names say what they break; docs/testing.md has the list")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            $($name,)*
        }

        impl Bug {
            /// Every switch, in the order of the list.
            pub const ALL: &[Bug] = &[$(Bug::$name,)*];
        }
    };
}

bugs! {
    FlushBeforeLog,
    LogSyncSkipped,
    LogSyncErrorSwallowed,
    LogUsedAfterFailedSync,
    LogAppendAfterFailedAppend,
    LogHeaderNotSynced,
    LogDirNotSynced,
    LogUnlinkedBeforeEdit,
    LogSyncedOutOfOrder,
    LogSeamUnchecked,
    LogUnsyncedNamedDurable,
    LogUnbegunSegmentRead,
    StaleManifestAccepted,
    TornTakenForRot,
    RotTakenForTorn,
    RecordCheckIgnored,
    ManifestSyncSkipped,
    ManifestBeforeLog,
    ManifestDirNotSynced,
    ManifestUnlinkedBeforeHeads,
    ManifestAppendAfterFailure,
    HeadSyncSkipped,
    HeadDirNotSynced,
    ParentDirNotSynced,
    RecoveryReusesNumbers,
    RecoverySkipsRewrite,
    RewriteSyncSkipped,
    RewriteListedEarly,
    RewriteMisnamed,
    SequenceReusedAfterCrash,
    TableSyncSkipped,
    TableDirNotSynced,
    TableUnlinkedBeforeEdit,
    WritersShareLock,
    ReadOnlyCopiesLog,
    FullDiskForEver,
    SnapshotsForgotten,
    TombstoneDroppedTooEarly,
    SingleDeleteForgotten,
    SequenceZeroedTooEarly,
    RangeTombstoneLostAtCut,
    RangeTombstoneHidesNewer,
    UnknownKeyHidesRangeTombstone,
    SliceBoundsIgnored,
    IteratorsNotWaitedFor,
    SeekEndsAtBlock,
    StepBackEndsAtBlock,
    FilterAskedForOther,
    RangeEndIncluded,
    PrefixEndsTooEarly,
    ReplayPassesOverTooMuch,
    ReplayLosesRangeDeletes,
    LengthInSixteenBits,
    LogStartTooFar,
    FlushOutOfOrder,
    VolatileLostAtClose,
    HalfABatchShown,
    ConditionsForgetRangeDeletes,
    DeadRangeNotCut,
    OperandsBackwards,
    OperandsFoldedUnderSnapshot,
    PanicsLetThrough,
    ClockGoesBack,
    ExpiredUnderSnapshot,
    TableDroppedAtFirstExpiry,
    FilterShownWhatSnapshotsSee,
    FilterUncoversOlder,
    ReadersNotAsked,
    SlotWrittenTooLate,
    KeyspacesNotLookedAtTwice,
    BlobSyncSkipped,
    BlobReferenceNotCounted,
    BlobNotVerified,
    BlobUnlinkedBeforeEdit,
}

#[cfg(lsm_planted)]
std::thread_local! {
    static ACTIVE: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Turns one bug on for this thread, or all off.
#[cfg(lsm_planted)]
pub fn plant(bug: Option<Bug>) {
    ACTIVE.with(|active| active.set(bug));
}

/// True if `bug` is to be committed here.
#[cfg(lsm_planted)]
#[must_use]
pub fn planted(bug: Bug) -> bool {
    ACTIVE.with(|active| active.get() == Some(bug))
}

/// True if `bug` is to be committed here.
#[cfg(not(lsm_planted))]
#[inline(always)]
#[must_use]
pub const fn planted(_bug: Bug) -> bool {
    false
}
