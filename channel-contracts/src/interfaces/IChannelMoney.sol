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

/// @notice A micro-promise that its hub draws, in as few bytes as the chain needs: 160.
/// @param amount The running total promised by the consumer.
/// @param r The consumer's signature over MicroPromise, in the short form of ERC-2098: r, then s with v in its
/// highest bit. Only keys sign so; what a contract wallet promised is drawn by `draw`.
struct Slip {
    address consumer;
    uint48 nonce;
    uint256 amount;
    bytes32 r;
    bytes32 vs;
}

/// @notice Slips for one provider.
struct Batch {
    address provider;
    Slip[] slips;
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

/// @notice One provider's redemption among many of one hub.
/// @param total The running total the hub promised; zero for what waits only.
/// @param r The hub's signature over HubPromise in the short form of ERC-2098; empty for what waits only.
struct Payment {
    address provider;
    uint256 total;
    bytes32 r;
    bytes32 vs;
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

/// @notice Where a channel is in its life; a closed one never opens again.
enum ChannelStatus {
    None,
    Open,
    Closed
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

/// @title Channels, hub pools, and accounts between hubs and providers: what moves money.
/// @notice Every amount in a signed document is a running total, never a difference.
interface IChannelMoney {
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
    /// @notice The consumer will leave alone at `exitAt`. `relayer` is promised `relayFee` out of what is left then; both
    /// are zero when the consumer asked itself, or without a fee.
    event ExitRequested(bytes32 indexed channelId, uint64 exitAt, address relayer, uint256 relayFee);
    /// @notice The relayer of an exit request was paid, out of what was left.
    event ExitFeePaid(bytes32 indexed channelId, address indexed relayer, uint256 amount);
    /// @notice The channel is closed by its consumer alone.
    event ChannelExited(bytes32 indexed channelId, uint256 returned);
    /// @notice The channel is closed by both parties.
    event ChannelConcluded(bytes32 indexed channelId, uint256 returned);
    /// @notice A provider gave up its guarantees on a channel that expire up to then.
    event GuaranteesReleased(
        bytes32 indexed channelId, address indexed provider, uint256 amount, uint64 upTo
    );
    /// @notice The token refused to pay `owner`; the contract keeps `amount` for it, `withheld` in all.
    event Withheld(address indexed owner, uint256 amount, uint256 withheld);
    /// @notice What was kept for `owner` was paid to where it said.
    event WithheldCollected(address indexed owner, address indexed to, uint256 amount);
    /// @notice Liquidity was added to a hub's pool.
    event PoolFunded(address indexed hub, address indexed from, uint256 amount, uint256 pool);
    /// @notice A hub asked to take liquidity out, from `withdrawableAt` on for as long as it had to wait. An amount of
    /// zero cancels.
    event WithdrawalRequested(address indexed hub, uint256 amount, uint64 withdrawableAt);
    /// @notice A hub took liquidity out.
    event PoolWithdrawn(address indexed hub, address indexed to, uint256 amount, uint256 pool);
    /// @notice A hub's fee changes to `feeBps` at `effectiveAt`, by itself.
    event FeeAnnounced(address indexed hub, uint16 feeBps, uint64 effectiveAt);
    /// @notice A hub published the tree of what it owes, so that everyone sees the same.
    event LiabilitiesAnchored(
        address indexed hub, bytes32 root, uint256 sum, uint256 pool, uint64 blockNumber
    );

    /// @notice The delays or fees are not in the order that docs/protocol.md demands.
    error BadSettings();
    /// @notice This identity is not registered for these roles, lacks the stake for them, or has a debt.
    error NotActive(address identity, uint8 roles);
    /// @notice This channel was opened before. Take the next nonce.
    error ChannelExists(bytes32 channelId);
    /// @notice This channel was never opened, or is closed.
    error ChannelNotOpen(bytes32 channelId);
    /// @notice What was signed was good until `deadline`.
    error SignatureExpired(uint64 deadline, uint256 blockTime);
    /// @notice The signature is not that of `expected` over what was sent.
    error WrongSigner(address expected);
    /// @notice Amounts, and what the contract holds in all, fit `maximum`.
    error AmountTooLarge(uint256 amount, uint256 maximum);
    /// @notice An amount of zero moves nothing.
    error ZeroAmount();
    /// @notice The token delivered less than it was asked for: one that keeps a fee cannot be paid in.
    error TokensMissing(uint256 received, uint256 expected);
    /// @notice Only the hub draws without a guarantee.
    error NeitherHubNorGuarantee(bytes32 channelId, address caller);
    /// @notice The guarantee was good until `expiresAt`.
    error GuaranteeExpired(bytes32 channelId, uint64 expiresAt, uint256 blockTime);
    /// @notice No guarantee may run beyond `maximum`. This one can be drawn on later.
    error GuaranteeTooLong(bytes32 channelId, uint64 expiresAt, uint256 maximum);
    /// @notice The provider gave up its guarantees that expire up to `releasedUpTo`.
    error GuaranteeReleased(bytes32 channelId, uint64 expiresAt, uint64 releasedUpTo);
    /// @notice The promise adds nothing to what was drawn, or nothing is there to draw from.
    error NothingToDraw(bytes32 channelId, address provider, uint256 amount, uint256 drawn);
    /// @notice The promise adds nothing to what was paid, and nothing waits.
    error NothingToRedeem(address hub, address provider, uint256 total, uint256 paid);
    /// @notice A protest for no more than what was drawn.
    error AlreadyDrawn(bytes32 channelId, address provider, uint256 amount, uint256 drawn);
    /// @notice A protest for no less is open.
    error AlreadyProtested(bytes32 channelId, address provider, uint256 amount, uint256 protested);
    /// @notice The window would end, or guarantees given before run, beyond `limit`.
    error ProtestTooLate(bytes32 channelId, uint256 windowEnd, uint256 limit);
    /// @notice The hub has until `endsAt` to draw first.
    error ProtestRunning(bytes32 channelId, address provider, uint64 endsAt, uint256 blockTime);
    /// @notice No protest of this provider is open.
    error NoProtest(bytes32 channelId, address provider);
    /// @notice So many protests must be settled before the channel closes.
    error ProtestsOpen(bytes32 channelId, uint32 openProtests);
    /// @notice The provider released this channel, which is closed.
    error AlreadyReleased(bytes32 channelId, address provider);
    /// @notice The consumer leaves at `exitAt` already.
    error ExitAlreadyRequested(bytes32 channelId, uint64 exitAt);
    /// @notice The consumer has not asked to leave.
    error ExitNotRequested(bytes32 channelId);
    /// @notice Providers have until `exitAt`.
    error ExitTooEarly(bytes32 channelId, uint64 exitAt, uint256 blockTime);
    /// @notice A final state promises more than the channel holds.
    error CollateralMissing(bytes32 channelId, address provider, uint256 total, uint256 balance);
    /// @notice A release speaks of more than was drawn for its provider.
    error ReleaseUnpaid(bytes32 channelId, address provider, uint256 amount, uint256 drawn);
    /// @notice No hub takes more than `cap`.
    error FeeAboveCap(uint16 feeBps, uint16 cap);
    /// @notice Whoever owes takes nothing out.
    error DebtStands(address hub, uint256 debt);
    /// @notice No withdrawal was requested, or the request has lapsed.
    error NoWithdrawal(address hub);
    /// @notice Creditors have until `withdrawableAt`.
    error WithdrawalTooEarly(address hub, uint64 withdrawableAt, uint256 blockTime);
    /// @notice All that this provider may claim was paid.
    error NothingMissing(address provider);
    /// @notice Only the provider says where its money goes.
    error NotTheProvider(address provider, address caller);
    /// @notice Too little gas to tell a payment that was refused from one that was starved. Send more.
    error GasMissing(uint256 left, uint256 needed);

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

    /// @notice The same for many. What cannot be drawn is passed over: a promise that adds nothing, a guarantee that has
    /// expired or was released, a signature that its wallet no longer accepts. So nobody makes others' draws fail.
    function drawMany(Draw[] calldata orders) external returns (uint256 amount);

    /// @notice Draws many promises to one provider; the caller is their hub. The same as `drawMany` without guarantees, at
    /// a third of the bytes and with one write for the account and one for the pool.
    function drawBatch(address provider, Slip[] calldata slips) external returns (uint256 amount);

    /// @notice The same for several providers.
    function drawBatches(Batch[] calldata batches) external returns (uint256 amount);

    /// @notice Pays a provider's beneficiary what waits in the account and, with a hub promise, what is promised
    /// beyond it, from the pool. If the pool cannot, the hub's stake is slashed. Anyone may call. If the token refuses
    /// to pay the beneficiary, the amount is kept for the provider: see `collectWithheld`.
    /// @return amount Tokens paid.
    function redeem(Redemption calldata redemption) external returns (uint256 amount);

    /// @notice The same for the calling provider, paid to where it says. Spares the question who its beneficiary is.
    /// @param to Zero for its beneficiary, and then anyone may call.
    function redeemTo(Redemption calldata redemption, address to) external returns (uint256 amount);

    /// @notice The same for many providers of one hub. One that adds nothing, or whose signature is not the hub's, is
    /// passed over. A hub that is a contract wallet signs no short signatures: its promises are redeemed by `redeem`.
    function redeemMany(address hub, Payment[] calldata payments) external returns (uint256 amount);

    /// @notice Draws, then redeems, in one transaction. Passes over what cannot be drawn.
    /// @param to Where the calling provider is paid; zero for its beneficiary, and then anyone may call.
    function drawAndRedeem(Draw[] calldata orders, Redemption calldata redemption, address to)
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
    /// it can never be paid out of what a provider is owed. If the token refuses to pay it, it stays with the consumer.
    /// @param relayFee Must fit 96 bits.
    function requestExitFor(
        Parties calldata parties,
        uint256 relayFee,
        uint64 deadline,
        bytes calldata signature
    ) external;

    /// @notice Closes a channel whose exit delay is over and returns the rest to the consumer. Anyone may call.
    /// @param protesters Providers whose open protests are to be settled first; all must be. One whose protest is
    /// settled already is passed over.
    /// @return returned Tokens paid to the consumer, or kept for it.
    function exit(Parties calldata parties, address[] calldata protesters) external returns (uint256 returned);

    /// @notice Closes a channel at once by a final state-channel state that both parties signed: draws its totals,
    /// records its releases, and returns everything left to the consumer. Anyone may call.
    /// @param consumerSignature Over the state's hash, as an Ethereum signed message.
    /// @param hubSignature The same by the hub.
    /// @return returned Tokens paid to the consumer, or kept for it.
    function conclude(
        FinalState calldata finalState,
        bytes calldata consumerSignature,
        bytes calldata hubSignature
    ) external returns (uint256 returned);

    /// @notice Pays what was kept because the token refused its owner, all of it, to where the owner says.
    /// @param relayFee What of it the caller is paid.
    /// @param deadline Until when the signature is good, by the chain's clock. It is good once: what is signed carries the
    /// nonce of `withheldOf`.
    /// @param signature The owner's, over Collection (ERC-1271 accepted); ignored when the owner calls, and so is the
    /// deadline.
    /// @return amount What left, the fee included.
    function collectWithheld(
        address owner,
        address to,
        uint256 relayFee,
        uint64 deadline,
        bytes calldata signature
    ) external returns (uint256 amount);

    /// @notice Adds to a hub's pool; anyone may.
    function fund(address hub, uint256 amount) external;

    /// @notice Announces that the calling hub will take liquidity out; replaces an earlier one, zero cancels it. It must
    /// be taken within as long as it had to wait, else it lapses: what is funded much later does not leave at once.
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
}
