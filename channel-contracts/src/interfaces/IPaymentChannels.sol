// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Permit} from "./IIdentityRegistry.sol";

/// @notice Who a channel is between. Its id is the hash of these and the chain's id, so they are not stored.
struct Parties {
    address consumer;
    address hub;
    uint48 nonce;
}

/// @notice A micro-promise to be drawn, with the guarantee that allows it. The hub itself needs no guarantee
/// and leaves the last three empty.
/// @param amount The running total promised by the consumer.
/// @param promiseSignature The consumer's, over MicroPromise (ERC-1271 accepted).
/// @param ceiling How far the hub stands behind it.
/// @param expiresAt Until when, by the chain's clock.
/// @param guaranteeSignature The hub's, over Guarantee; empty when the hub draws.
struct Draw {
    Parties parties;
    address provider;
    uint256 amount;
    bytes promiseSignature;
    uint256 ceiling;
    uint64 expiresAt;
    bytes guaranteeSignature;
}

/// @notice A redemption: what waits in the account, and with a hub promise also what the hub advances.
/// @param total The running total the hub promised; zero for what waits only.
/// @param signature The hub's, over HubPromise; empty for what waits only.
struct Redemption {
    address hub;
    address provider;
    uint256 total;
    bytes signature;
}

/// @notice What a consumer signs to have a channel opened by somebody else.
struct Opening {
    address consumer;
    address hub;
    uint48 channelNonce;
    uint256 amount;
    uint256 relayFee;
    uint64 deadline;
}

/// @notice The running total of one provider in a final state.
struct Total {
    address provider;
    uint256 amount;
}

/// @notice A provider's word that it is done with a channel at this amount.
/// @param upTo Guarantees that expire up to then are given up.
/// @param signature The provider's, over Release (ERC-1271 accepted).
struct SignedRelease {
    address provider;
    uint256 amount;
    uint64 upTo;
    bytes signature;
}

/// @notice What is needed to rebuild a final state-channel state.
/// @param turnNum Turn of the final state.
/// @param challengeDuration As agreed in the pre-fund states.
/// @param totals Running totals, as in the state's appData.
/// @param releases Exactly the list whose hash is in the state's appData.
struct FinalState {
    Parties parties;
    uint48 turnNum;
    uint48 challengeDuration;
    Total[] totals;
    SignedRelease[] releases;
}

enum ChannelStatus {
    None,
    Open,
    Closed
}

/// @notice A channel as it is stored.
/// @param exitAt When its consumer may take the rest; zero while no exit was requested.
/// @param openProtests How many protests wait for their window to end.
struct ChannelView {
    ChannelStatus status;
    uint128 balance;
    uint64 exitAt;
    uint32 openProtests;
}

/// @notice What a channel holds for one provider.
/// @param drawn Total ever drawn for it out of this channel, or filled from elsewhere.
/// @param releasedUpTo Guarantees that expire up to then are given up; zero when none was.
/// @param protested The promise protested, zero when no protest is open.
/// @param protestEndsAt When the protest may be settled.
/// @param missingByConsumer What a settled protest lacked, less what came since.
/// @param missingByHub What a guaranteed draw lacked, less what came since.
struct TabView {
    uint128 drawn;
    uint64 releasedUpTo;
    uint128 protested;
    uint64 protestEndsAt;
    uint128 missingByConsumer;
    uint128 missingByHub;
}

/// @notice An account of a provider with a hub.
/// @param credited C: total drawn for it through this hub, net of fee.
/// @param paid D: total ever paid out to it.
/// @param missing What redemptions lacked, less what came since.
/// @param guaranteedMissing What guaranteed draws lacked, over all channels, less what came since.
struct AccountView {
    uint128 credited;
    uint128 paid;
    uint256 missing;
    uint256 guaranteedMissing;
}

/// @notice A hub's liquidity and terms.
/// @param pool Its liquidity, what is pending included.
/// @param pendingWithdrawal What it asked to take out; payable to creditors until it is taken.
/// @param withdrawableAt When it may; zero when nothing is pending.
/// @param feeBps Fee in force now, in 1/10,000.
/// @param announcedFeeBps Fee that comes at `feeChangesAt`; the same as `feeBps` when none is announced.
/// @param stake Its stake, unbonding included.
struct HubView {
    uint128 pool;
    uint128 pendingWithdrawal;
    uint64 withdrawableAt;
    uint16 feeBps;
    uint16 announcedFeeBps;
    uint64 feeChangesAt;
    uint128 stake;
    uint32 faults;
    uint256 debt;
}

/// @notice Set once, at deployment.
struct ChannelSettings {
    uint64 maxGuarantee;
    uint64 protestWindow;
    uint64 exitDelay;
    uint64 withdrawalDelay;
    uint64 feeNotice;
    uint16 feeCapBps;
    uint16 defaultFeeBps;
}

/// @title Channels, hub pools, and accounts between hubs and providers.
/// @notice Every amount in a signed document is a running total, never a difference.
interface IPaymentChannels {
    /// @notice A consumer locked collateral towards a hub.
    event ChannelOpened(
        bytes32 indexed channelId, address indexed consumer, address indexed hub, uint48 nonce, uint256 amount
    );
    /// @notice Collateral was added; `balance` is what the channel holds now.
    event Deposited(bytes32 indexed channelId, address indexed from, uint256 amount, uint256 balance);
    /// @notice A promise was drawn, or filled from elsewhere: `amount` more, `total` in all.
    event Drawn(
        bytes32 indexed channelId, address indexed provider, uint256 amount, uint256 fee, uint256 total
    );
    /// @notice A provider was paid: `amount` now, `paid` in all.
    event Redeemed(
        address indexed hub, address indexed provider, address beneficiary, uint256 amount, uint256 paid
    );
    /// @notice What is missing on one claim is now this much. `channelId` is zero for a hub promise.
    event MissingSet(
        address indexed debtor, bytes32 indexed channelId, address indexed provider, uint256 missing
    );
    /// @notice A protest was opened, or replaced by a larger promise.
    event ProtestOpened(bytes32 indexed channelId, address indexed provider, uint256 amount, uint64 endsAt);
    /// @notice A protest was settled, or its promise was drawn otherwise.
    event ProtestClosed(bytes32 indexed channelId, address indexed provider);
    /// @notice The consumer will leave alone at `exitAt`.
    event ExitRequested(bytes32 indexed channelId, uint64 exitAt);
    /// @notice The channel is closed by its consumer alone.
    event ChannelExited(bytes32 indexed channelId, uint256 returned);
    /// @notice The channel is closed by both parties.
    event ChannelConcluded(bytes32 indexed channelId, uint256 returned);
    /// @notice A provider gave up its guarantees on a channel that expire up to then.
    event GuaranteesReleased(
        bytes32 indexed channelId, address indexed provider, uint256 amount, uint64 upTo
    );
    /// @notice Liquidity was added to a hub's pool.
    event PoolFunded(address indexed hub, address indexed from, uint256 amount, uint256 pool);
    /// @notice A hub asked to take liquidity out. An amount of zero cancels.
    event WithdrawalRequested(address indexed hub, uint256 amount, uint64 withdrawableAt);
    /// @notice A hub took liquidity out.
    event PoolWithdrawn(address indexed hub, address indexed to, uint256 amount, uint256 pool);
    /// @notice A hub's fee changes to `feeBps` at `effectiveAt`, by itself.
    event FeeAnnounced(address indexed hub, uint16 feeBps, uint64 effectiveAt);
    /// @notice A hub published the tree of what it owes, so that everyone sees the same.
    event LiabilitiesAnchored(
        address indexed hub, bytes32 root, uint256 sum, uint256 pool, uint64 blockNumber
    );

    error BadSettings();
    error NotActive(address identity, uint8 roles);
    error ChannelExists(bytes32 channelId);
    error ChannelNotOpen(bytes32 channelId);
    error SignatureExpired(uint64 deadline, uint256 blockTime);
    error WrongSigner(address expected);
    error AmountTooLarge(uint256 amount, uint256 maximum);
    error ZeroAmount();
    error TokensMissing(uint256 received, uint256 expected);
    error NeitherHubNorGuarantee(bytes32 channelId, address caller);
    error GuaranteeExpired(bytes32 channelId, uint64 expiresAt, uint256 blockTime);
    error GuaranteeTooLong(bytes32 channelId, uint64 expiresAt, uint256 maximum);
    error GuaranteeReleased(bytes32 channelId, uint64 expiresAt, uint64 releasedUpTo);
    error NothingToDraw(bytes32 channelId, address provider, uint256 amount, uint256 drawn);
    error NothingToRedeem(address hub, address provider, uint256 total, uint256 paid);
    error AlreadyDrawn(bytes32 channelId, address provider, uint256 amount, uint256 drawn);
    error AlreadyProtested(bytes32 channelId, address provider, uint256 amount, uint256 protested);
    error ProtestTooLate(bytes32 channelId, uint256 windowEnd, uint256 limit);
    error ProtestRunning(bytes32 channelId, address provider, uint64 endsAt, uint256 blockTime);
    error NoProtest(bytes32 channelId, address provider);
    error ProtestsOpen(bytes32 channelId, uint32 openProtests);
    error AlreadyReleased(bytes32 channelId, address provider);
    error NotTheConsumer(bytes32 channelId, address caller);
    error ExitAlreadyRequested(bytes32 channelId, uint64 exitAt);
    error ExitNotRequested(bytes32 channelId);
    error ExitTooEarly(bytes32 channelId, uint64 exitAt, uint256 blockTime);
    error CollateralMissing(bytes32 channelId, address provider, uint256 total, uint256 balance);
    error ReleaseUnpaid(bytes32 channelId, address provider, uint256 amount, uint256 drawn);
    error FeeAboveCap(uint16 feeBps, uint16 cap);
    error DebtStands(address hub, uint256 debt);
    error NoWithdrawal(address hub);
    error WithdrawalTooEarly(address hub, uint64 withdrawableAt, uint256 blockTime);
    error NothingMissing(address provider);

    /// @notice Opens the caller's channel and locks `amount` in it. Both parties must be registered, without debt.
    function open(address hub, uint48 nonce, uint256 amount) external returns (bytes32 channelId);

    /// @notice The same for a consumer without gas. The caller receives `relayFee` from the consumer.
    function openFor(Opening calldata opening, Permit calldata permit, bytes calldata signature)
        external
        returns (bytes32 channelId);

    /// @notice Adds collateral to an open channel; anyone may.
    function deposit(Parties calldata parties, uint256 amount) external;

    /// @notice Moves what a promise adds from the channel into the account of hub and provider. The hub may at
    /// any time, and takes what is there and no more; anyone may under a live guarantee, and what the
    /// channel lacks is then filled by the hub's pool and its stake.
    /// @return amount What was drawn, the fee included.
    function draw(Draw calldata order) external returns (uint256 amount);

    /// @notice The same for many. One that adds nothing is passed over, a wrong one undoes all.
    function drawMany(Draw[] calldata orders) external returns (uint256 amount);

    /// @notice Pays a provider's beneficiary what waits in the account and, with a hub promise, what is promised
    /// beyond it, from the pool. If the pool cannot, the hub's stake is slashed. Anyone may call.
    /// @return amount Tokens paid.
    function redeem(Redemption calldata redemption) external returns (uint256 amount);

    /// @notice The same for many. One that adds nothing is passed over, a wrong one undoes all.
    function redeemMany(Redemption[] calldata redemptions) external returns (uint256 amount);

    /// @notice Draws, then redeems, in one transaction.
    function drawAndRedeem(Draw[] calldata orders, Redemption calldata redemption)
        external
        returns (uint256 drawnAmount, uint256 paidAmount);

    /// @notice Presents a promise that no guarantee covers. It is paid after a window. A larger promise replaces
    /// it within the same window, as long as a guarantee given before it was seen still ends in time.
    /// @param amount The running total promised by the consumer.
    /// @param signature The consumer's, over MicroPromise (ERC-1271 accepted).
    function protest(Parties calldata parties, address provider, uint256 amount, bytes calldata signature)
        external;

    /// @notice Pays a protest whose window ended from what is left in the channel, then from the consumer's stake.
    /// @return amount What was credited, the fee included.
    function settleProtest(Parties calldata parties, address provider) external returns (uint256 amount);

    /// @notice Begins to leave alone; for the consumer, once per channel.
    function requestExit(address hub, uint48 nonce) external;

    /// @notice The same for a consumer without gas. The fee is paid out of what is left when the channel closes, so
    /// it can never be paid out of what a provider is owed.
    function requestExitFor(
        Parties calldata parties,
        uint256 relayFee,
        uint64 deadline,
        bytes calldata signature
    ) external;

    /// @notice Closes a channel whose exit delay is over and returns the rest to the consumer. Anyone may call.
    /// @param protesters Providers whose open protests are to be settled first; all must be.
    /// @return returned Tokens paid to the consumer.
    function exit(Parties calldata parties, address[] calldata protesters) external returns (uint256 returned);

    /// @notice Closes a channel at once by a final state-channel state that both parties signed: draws its totals,
    /// records its releases, and returns everything left to the consumer. Anyone may call.
    /// @param consumerSignature Over the state's hash, as an Ethereum signed message.
    /// @param hubSignature The same by the hub.
    /// @return returned Tokens paid to the consumer.
    function conclude(
        FinalState calldata finalState,
        bytes calldata consumerSignature,
        bytes calldata hubSignature
    ) external returns (uint256 returned);

    /// @notice Adds to a hub's pool; anyone may.
    function fund(address hub, uint256 amount) external;

    /// @notice Announces that the calling hub will take liquidity out; replaces an earlier one, zero cancels it.
    function requestWithdrawal(uint256 amount) external;

    /// @notice Takes out what was announced, as far as the pool still holds it, to the hub's beneficiary.
    function withdraw() external returns (uint256 amount);

    /// @notice Sets the calling hub's fee: a lowering at once, a raise after the notice.
    function announceFee(uint16 feeBps) external;

    /// @notice Publishes the root of the tree of what the calling hub owes.
    function anchorLiabilities(bytes32 root, uint256 sum, uint256 pool, uint64 blockNumber) external;

    /// @notice Pays on a promise that a guaranteed draw or a protest could not fill; anyone may, for either debtor.
    /// @param amount At most so much; no more than what is missing is taken.
    /// @return taken What was paid.
    function repay(Parties calldata parties, address provider, uint256 amount)
        external
        returns (uint256 taken);

    /// @notice Pays on a hub promise that a redemption could not fill; anyone may, for the hub.
    /// @return paid What the provider received, what waited for it included.
    function repayPromise(address hub, address provider, uint256 amount) external returns (uint256 paid);

    /// @notice The id of a channel: that of the state-channel library for the same parties.
    function channelIdOf(Parties calldata parties) external view returns (bytes32);

    function channelOf(bytes32 channelId) external view returns (ChannelView memory);

    function tabOf(bytes32 channelId, address provider) external view returns (TabView memory);

    /// @notice Many tabs of one channel.
    function tabsOf(bytes32 channelId, address[] calldata providers) external view returns (TabView[] memory);

    function accountOf(address hub, address provider) external view returns (AccountView memory);

    /// @notice Many accounts of one hub.
    function accountsOf(address hub, address[] calldata providers)
        external
        view
        returns (AccountView[] memory);

    function hubOf(address hub) external view returns (HubView memory);

    /// @notice Fee in force now, in 1/10,000.
    function feeOf(address hub) external view returns (uint16);

    /// @notice The delays and limits this contract was deployed with.
    function settings() external view returns (ChannelSettings memory);

    function token() external view returns (address);
    function registry() external view returns (address);
}
