// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IIdentityRegistry, Permit} from "./interfaces/IIdentityRegistry.sol";
import {
    Batch,
    ChannelSettings,
    ChannelStatus,
    Draw,
    FinalState,
    IChannelMoney,
    Opening,
    Parties,
    Payment,
    Redemption,
    SignedRelease,
    Slip,
    Total
} from "./interfaces/IChannelMoney.sol";
import {ChannelStorage} from "./channels/ChannelStorage.sol";
import {ChannelViews} from "./channels/ChannelViews.sol";
import {Domain} from "./Domain.sol";
import {Documents} from "./libraries/Documents.sol";
import {FinalStates} from "./libraries/FinalStates.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Tokens} from "./libraries/Tokens.sol";

/// @title Channels, hub pools, and accounts between hubs and providers; see IChannelMoney.
/// @dev Each function checks, then writes, then calls others, and says which is which. What can be read of it is in
/// ChannelViews, since there is no room for it here.
contract PaymentChannels is IChannelMoney, ChannelStorage, Domain, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Tokens for IERC20;
    using Signatures for bytes;

    /// @dev The parties of one claim, kept together on its way through the functions below.
    struct Claim {
        bytes32 channelId;
        address consumer;
        address hub;
        address provider;
    }

    uint8 private constant CONSUMER = 1;
    uint8 private constant HUB = 4;
    uint256 private constant WHOLE = 10_000;

    IERC20 private immutable _TOKEN;
    IIdentityRegistry private immutable _REGISTRY;
    uint64 private immutable _MAX_GUARANTEE;
    uint64 private immutable _PROTEST_WINDOW;
    uint64 private immutable _EXIT_DELAY;
    uint64 private immutable _WITHDRAWAL_DELAY;
    uint64 private immutable _FEE_NOTICE;
    uint16 private immutable _FEE_CAP;
    uint16 private immutable _DEFAULT_FEE;
    address private immutable _VIEWS;

    /// @param registry_ Must have been told this contract's address.
    /// @param settings_ Delays in seconds, each as long as docs/protocol.md demands.
    constructor(IIdentityRegistry registry_, ChannelSettings memory settings_) {
        // Whoever sees an exit, a raise or an unbonding has a whole protest window to act in, and its own protest ends
        // before any of them, also behind a smaller protest in which no larger one may follow any more.
        uint256 window = settings_.protestWindow;
        uint256 inTime = 2 * window + settings_.maxGuarantee;
        if (
            registry_.channels() != address(this) || settings_.maxGuarantee >= window
                || settings_.exitDelay < inTime || settings_.feeNotice < inTime
                || registry_.unbondingDelay() < inTime || settings_.withdrawalDelay <= window
                || settings_.exitDelay > type(uint32).max || settings_.withdrawalDelay > type(uint32).max
                || settings_.feeNotice > type(uint32).max || settings_.feeCapBps >= WHOLE
                || settings_.defaultFeeBps > settings_.feeCapBps
        ) revert BadSettings();
        _TOKEN = IERC20(registry_.token());
        _REGISTRY = registry_;
        _MAX_GUARANTEE = settings_.maxGuarantee;
        _PROTEST_WINDOW = settings_.protestWindow;
        _EXIT_DELAY = settings_.exitDelay;
        _WITHDRAWAL_DELAY = settings_.withdrawalDelay;
        _FEE_NOTICE = settings_.feeNotice;
        _FEE_CAP = settings_.feeCapBps;
        _DEFAULT_FEE = settings_.defaultFeeBps;
        _VIEWS = address(new ChannelViews(registry_, settings_));
    }

    /// @dev Questions are answered by ChannelViews out of this storage. It has views only, so nothing is written.
    // solhint-disable-next-line no-complex-fallback
    fallback() external {
        address views = _VIEWS;
        assembly {
            calldatacopy(0, 0, calldatasize())
            let known := delegatecall(gas(), views, 0, calldatasize(), 0, 0)
            returndatacopy(0, 0, returndatasize())
            if iszero(known) { revert(0, returndatasize()) }
            return(0, returndatasize())
        }
    }

    // ---------------------------------------------------------------- opening

    /// @inheritdoc IChannelMoney
    function open(address hub, uint48 nonce, uint256 amount)
        external
        nonReentrant
        returns (bytes32 channelId)
    {
        // Check, Effect: a new channel between parties in good standing.
        channelId = _open(msg.sender, hub, nonce, amount);
        // Interaction: the collateral comes here.
        _TOKEN.pull(msg.sender, amount);
    }

    /// @inheritdoc IChannelMoney
    function openFor(Opening calldata opening, Permit calldata permit, bytes calldata signature)
        external
        nonReentrant
        returns (bytes32 channelId)
    {
        address consumer = opening.consumer;
        // Check: signed by the consumer, and in time. A channel opens once, so a second use fails. The registry asks
        // for its own caller only.
        if (msg.sender != address(_REGISTRY)) {
            _checkDeadline(opening.deadline);
            _checkSignature(signature, consumer, Documents.hashOpening(opening));
        }
        // Check, Effect: a new channel between parties in good standing.
        channelId = _open(consumer, opening.hub, opening.channelNonce, opening.amount);
        // Interaction: the collateral comes here, the fee goes to the relayer.
        _TOKEN.tryPermit(consumer, permit);
        _TOKEN.pull(consumer, opening.amount);
        if (opening.relayFee > 0) _TOKEN.safeTransferFrom(consumer, msg.sender, opening.relayFee);
    }

    /// @inheritdoc IChannelMoney
    function deposit(Parties calldata parties, uint256 amount) external nonReentrant {
        bytes32 channelId = _idOf(parties);
        Channel storage channel = _channels[channelId];
        // Check: into a closed channel money would be lost.
        if (channel.status != ChannelStatus.Open) revert ChannelNotOpen(channelId);
        if (amount == 0) revert ZeroAmount();
        // Effect: what arrives below is collateral.
        uint256 balance = _sum(channel.balance, amount);
        channel.balance = SafeCast.toUint128(balance);
        emit Deposited(channelId, msg.sender, amount, balance);
        // Interaction.
        _TOKEN.pull(msg.sender, amount);
    }

    // ------------------------------------------------------ drawing, redeeming

    /// @inheritdoc IChannelMoney
    function draw(Draw calldata order) external nonReentrant returns (uint256 amount) {
        bool changed;
        (amount, changed) = _draw(order, true);
        if (!changed) {
            bytes32 channelId = _idOf(order.parties);
            revert NothingToDraw(
                channelId, order.provider, order.amount, _tabs[channelId][order.provider].drawn
            );
        }
    }

    /// @inheritdoc IChannelMoney
    function drawMany(Draw[] calldata orders) external nonReentrant returns (uint256 amount) {
        amount = _drawMany(orders);
    }

    /// @inheritdoc IChannelMoney
    function drawBatch(address provider, Slip[] calldata slips)
        external
        nonReentrant
        returns (uint256 amount)
    {
        amount = _drawBatch(provider, slips);
    }

    /// @inheritdoc IChannelMoney
    function drawBatches(Batch[] calldata batches) external nonReentrant returns (uint256 amount) {
        for (uint256 i = 0; i < batches.length; ++i) {
            amount += _drawBatch(batches[i].provider, batches[i].slips);
        }
    }

    /// @inheritdoc IChannelMoney
    function redeem(Redemption calldata redemption) external nonReentrant returns (uint256 amount) {
        amount = _redeemSome(redemption, address(0));
    }

    /// @inheritdoc IChannelMoney
    function redeemTo(Redemption calldata redemption, address to)
        external
        nonReentrant
        returns (uint256 amount)
    {
        _checkPayee(redemption.provider, to);
        amount = _redeemSome(redemption, to);
    }

    /// @inheritdoc IChannelMoney
    function redeemMany(address hub, Payment[] calldata payments)
        external
        nonReentrant
        returns (uint256 amount)
    {
        for (uint256 i = 0; i < payments.length; ++i) {
            Payment calldata payment = payments[i];
            (address provider, uint256 total) = (payment.provider, payment.total);
            // Check: the hub signed this total, if it says more than what was drawn.
            if (total > _accounts[hub][provider].credited) {
                _checkSize(total);
                bytes32 digest = _digest(Documents.hashHubPromise(hub, provider, total));
                if (!Signatures.isByKey(payment.r, payment.vs, hub, digest)) continue;
            }
            (uint256 paid,) = _redeemTotal(hub, provider, total, address(0));
            amount += paid;
        }
    }

    /// @inheritdoc IChannelMoney
    function drawAndRedeem(Draw[] calldata orders, Redemption calldata redemption, address to)
        external
        nonReentrant
        returns (uint256 drawnAmount, uint256 paidAmount)
    {
        _checkPayee(redemption.provider, to);
        drawnAmount = _drawMany(orders);
        (paidAmount,) = _redeem(redemption, to);
    }

    /// @inheritdoc IChannelMoney
    function collectWithheld(
        address owner,
        address to,
        uint256 relayFee,
        uint64 deadline,
        bytes calldata signature
    ) external nonReentrant returns (uint256 amount) {
        Kept storage kept = _withheld[owner];
        amount = kept.amount;
        // Check: the owner says so, or signed it, in time and for one use.
        if (msg.sender != owner) {
            _checkDeadline(deadline);
            bytes32 structHash = Documents.hashCollection(owner, to, relayFee, kept.nonce, deadline);
            _checkSignature(signature, owner, structHash);
        }
        if (amount == 0) revert ZeroAmount();
        if (relayFee > amount) revert AmountTooLarge(relayFee, amount);
        // Effect.
        kept.amount = 0;
        unchecked {
            ++kept.nonce;
        }
        emit WithheldCollected(owner, to, amount);
        // Interaction.
        if (relayFee > 0) _TOKEN.safeTransfer(msg.sender, relayFee);
        _TOKEN.safeTransfer(to, amount - relayFee);
    }

    // -------------------------------------------------------------- protesting

    /// @inheritdoc IChannelMoney
    function protest(Parties calldata parties, address provider, uint256 amount, bytes calldata signature)
        external
        nonReentrant
    {
        bytes32 channelId = _idOf(parties);
        Channel storage channel = _channels[channelId];
        Tab storage tab = _tabs[channelId][provider];
        // Check: promised by the consumer, not drawn yet, and not given up.
        if (channel.status == ChannelStatus.None) revert ChannelNotOpen(channelId);
        _checkSize(amount);
        if (amount <= tab.drawn) revert AlreadyDrawn(channelId, provider, amount, tab.drawn);
        if (channel.status == ChannelStatus.Closed && tab.releasedUpTo > 0) {
            revert AlreadyReleased(channelId, provider);
        }
        _checkSignature(signature, parties.consumer, Documents.hashMicroPromise(channelId, provider, amount));

        uint40 endsAt = tab.protestEndsAt;
        if (endsAt > 0) {
            // Check: a guarantee that did not see the larger promise ends before it is paid.
            uint256 protested = _troubles[channelId][provider].protested;
            if (amount <= protested) revert AlreadyProtested(channelId, provider, amount, protested);
            if (block.timestamp + _MAX_GUARANTEE > endsAt) {
                revert ProtestTooLate(channelId, block.timestamp + _MAX_GUARANTEE, endsAt);
            }
        } else {
            // Check: protests in a row cannot hold up an exit.
            endsAt = _later(_PROTEST_WINDOW);
            if (channel.exitAt > 0 && endsAt > channel.exitAt) {
                revert ProtestTooLate(channelId, endsAt, channel.exitAt);
            }
            // Effect: the window opens once, whatever replaces the promise later.
            tab.protestEndsAt = endsAt;
            ++channel.openProtests;
        }
        // Effect.
        _troubles[channelId][provider].protested = SafeCast.toUint128(amount);
        emit ProtestOpened(channelId, provider, amount, endsAt);
    }

    /// @inheritdoc IChannelMoney
    function settleProtest(Parties calldata parties, address provider)
        external
        nonReentrant
        returns (uint256 amount)
    {
        Claim memory claim = _claim(parties, provider);
        if (_tabs[claim.channelId][provider].protestEndsAt == 0) {
            revert NoProtest(claim.channelId, provider);
        }
        amount = _settleProtest(claim);
    }

    // ----------------------------------------------------------------- closing

    /// @inheritdoc IChannelMoney
    function requestExit(address hub, uint48 nonce) external {
        _requestExit(FinalStates.channelIdOf(msg.sender, hub, nonce), address(0), 0);
    }

    /// @inheritdoc IChannelMoney
    function requestExitFor(
        Parties calldata parties,
        uint256 relayFee,
        uint64 deadline,
        bytes calldata signature
    ) external {
        bytes32 channelId = _idOf(parties);
        // Check: signed by the consumer, and in time. An exit begins once, so a second use fails.
        _checkDeadline(deadline);
        if (relayFee > type(uint96).max) revert AmountTooLarge(relayFee, type(uint96).max);
        bytes32 structHash = Documents.hashExitRequest(channelId, relayFee, deadline);
        _checkSignature(signature, parties.consumer, structHash);
        // Check, Effect: the fee waits until providers had their turn.
        _requestExit(channelId, relayFee > 0 ? msg.sender : address(0), SafeCast.toUint96(relayFee));
    }

    /// @inheritdoc IChannelMoney
    function exit(Parties calldata parties, address[] calldata protesters)
        external
        nonReentrant
        returns (uint256 returned)
    {
        bytes32 channelId = _idOf(parties);
        Channel storage channel = _channels[channelId];
        // Check: the delay is over; every protest window ended before it.
        if (channel.status != ChannelStatus.Open) revert ChannelNotOpen(channelId);
        uint40 exitAt = channel.exitAt;
        if (exitAt == 0) revert ExitNotRequested(channelId);
        if (block.timestamp < exitAt) {
            revert ExitTooEarly(channelId, exitAt, block.timestamp);
        }
        // Effect: protests are paid first. Somebody may have settled one meanwhile.
        for (uint256 i = 0; i < protesters.length; ++i) {
            if (_tabs[channelId][protesters[i]].protestEndsAt > 0) {
                _settleProtest(_claim(parties, protesters[i]));
            }
        }
        // Effect, Interaction: the rest goes back.
        returned = _close(channelId, parties.consumer);
        emit ChannelExited(channelId, returned);
    }

    /// @inheritdoc IChannelMoney
    function conclude(
        FinalState calldata finalState,
        bytes calldata consumerSignature,
        bytes calldata hubSignature
    ) external nonReentrant returns (uint256 returned) {
        Claim memory claim = _claim(finalState.parties, address(0));
        bytes32 channelId = claim.channelId;
        // Check: both parties signed this end.
        if (_channels[channelId].status != ChannelStatus.Open) revert ChannelNotOpen(channelId);
        bytes32 digest = MessageHashUtils.toEthSignedMessageHash(FinalStates.hash(finalState, channelId));
        if (!consumerSignature.isByKey(claim.consumer, digest)) revert WrongSigner(claim.consumer);
        if (!hubSignature.isByKey(claim.hub, digest)) revert WrongSigner(claim.hub);
        // Effect: totals are drawn, whatever was drawn before; then releases count.
        Total[] calldata totals = finalState.totals;
        for (uint256 i = 0; i < totals.length; ++i) {
            claim.provider = totals[i].provider;
            _drawTotal(claim, totals[i].amount);
        }
        SignedRelease[] calldata releases = finalState.releases;
        for (uint256 i = 0; i < releases.length; ++i) {
            _release(channelId, releases[i]);
        }
        // Effect, Interaction: everything left goes back.
        returned = _close(channelId, claim.consumer);
        emit ChannelConcluded(channelId, returned);
    }

    // --------------------------------------------------------------------- hub

    /// @inheritdoc IChannelMoney
    function fund(address hub, uint256 amount) external nonReentrant {
        // Effect.
        _fund(hub, amount);
        // Interaction.
        _TOKEN.pull(msg.sender, amount);
    }

    /// @inheritdoc IChannelMoney
    function requestWithdrawal(uint256 amount) external {
        // Check.
        _checkSize(amount);
        // Effect: the delay starts again.
        uint40 withdrawableAt = amount == 0 ? 0 : _later(_WITHDRAWAL_DELAY);
        _withdrawals[msg.sender] = Withdrawal(SafeCast.toUint128(amount), withdrawableAt);
        emit WithdrawalRequested(msg.sender, amount, withdrawableAt);
    }

    /// @inheritdoc IChannelMoney
    function withdraw() external nonReentrant returns (uint256 amount) {
        Withdrawal memory pending = _pendingWithdrawal(msg.sender, _WITHDRAWAL_DELAY);
        // Check: everyone had time to redeem, and nobody is owed. A request that is old says nothing of today's pool.
        if (pending.amount == 0) revert NoWithdrawal(msg.sender);
        if (block.timestamp < pending.withdrawableAt) {
            revert WithdrawalTooEarly(msg.sender, pending.withdrawableAt, block.timestamp);
        }
        uint256 debt = _REGISTRY.debtOf(msg.sender);
        if (debt > 0) revert DebtStands(msg.sender, debt);
        // Effect: creditors may have left less than was asked for.
        Hub storage hub = _hubs[msg.sender];
        amount = _min(pending.amount, hub.pool);
        uint256 pool = hub.pool - amount;
        hub.pool = SafeCast.toUint128(pool);
        delete _withdrawals[msg.sender];
        address to = _beneficiaryOf(msg.sender);
        emit PoolWithdrawn(msg.sender, to, amount, pool);
        // Interaction.
        if (amount > 0) _TOKEN.safeTransfer(to, amount);
    }

    /// @inheritdoc IChannelMoney
    function announceFee(uint16 feeBps) external {
        // Check.
        if (feeBps > _FEE_CAP) revert FeeAboveCap(feeBps, _FEE_CAP);
        Hub storage hub = _hubs[msg.sender];
        uint16 current = _feeOf(hub, _DEFAULT_FEE);
        // Effect: a lowering cancels an announced raise, a raise replaces it and waits anew.
        uint40 effectiveAt = _later(0);
        hub.feeChangesAt = 0;
        hub.feeSet = true;
        hub.feeBps = feeBps;
        if (feeBps > current) {
            effectiveAt = _later(_FEE_NOTICE);
            hub.feeBps = current;
            hub.nextFeeBps = feeBps;
            hub.feeChangesAt = effectiveAt;
        }
        emit FeeAnnounced(msg.sender, feeBps, effectiveAt);
    }

    /// @inheritdoc IChannelMoney
    function anchorLiabilities(bytes32 root, uint256 sum, uint256 pool, uint64 blockNumber) external {
        emit LiabilitiesAnchored(msg.sender, root, sum, pool, blockNumber);
    }

    // ------------------------------------------------------------------- debts

    /// @inheritdoc IChannelMoney
    function repay(Parties calldata parties, address provider, uint256 amount)
        external
        nonReentrant
        returns (uint256 taken)
    {
        Claim memory claim = _claim(parties, provider);
        // Check: something is missing, and something is paid on it. What the hub has advanced already need not be paid by
        // it again.
        (uint256 missing, uint256 free) = _missingOf(claim.channelId, parties.hub, provider);
        if (missing == 0) revert NothingMissing(provider);
        taken = _min(amount, missing - free);
        if (taken == 0 && free == 0) revert ZeroAmount();
        // Effect: what arrives below is credited like a draw.
        Tab storage tab = _tabs[claim.channelId][provider];
        _credit({claim: claim, tab: tab, amount: taken + free, byHub: free});
        _lessen(claim, taken + free);
        // Interaction.
        if (taken > 0) _TOKEN.pull(msg.sender, taken);
    }

    /// @inheritdoc IChannelMoney
    function repayPromise(address hub, address provider, uint256 amount)
        external
        nonReentrant
        returns (uint256 paid)
    {
        // Check.
        uint256 missing = _shortfalls[hub][provider].redeeming;
        if (missing == 0) revert NothingMissing(provider);
        Account memory account = _accounts[hub][provider];
        uint256 needed = _above(missing, _above(account.credited, account.paid));
        // Effect, Interaction: through the pool, as any redemption. What is paid out must have come in before.
        if (needed > 0) {
            _fund(hub, _min(amount, needed));
            _TOKEN.pull(msg.sender, _min(amount, needed));
        }
        (paid,) = _redeemTotal(hub, provider, 0, address(0));
    }

    // ---------------------------------------------------------------- privates

    function _open(address consumer, address hub, uint48 nonce, uint256 amount)
        private
        returns (bytes32 channelId)
    {
        channelId = FinalStates.channelIdOf(consumer, hub, nonce);
        // Check: a new channel between parties in good standing.
        if (_channels[channelId].status != ChannelStatus.None) revert ChannelExists(channelId);
        if (amount == 0) revert ZeroAmount();
        (bool consumerActive, bool hubActive) = _REGISTRY.areActive(consumer, hub);
        if (!consumerActive || !hubActive) {
            (address inactive, uint8 role) = consumerActive ? (hub, HUB) : (consumer, CONSUMER);
            revert NotActive(inactive, role);
        }
        _checkSize(amount);
        // Effect.
        _channels[channelId] = Channel(SafeCast.toUint128(amount), 0, 0, ChannelStatus.Open, false);
        emit ChannelOpened(channelId, consumer, hub, nonce, amount);
    }

    function _drawMany(Draw[] calldata orders) private returns (uint256 amount) {
        for (uint256 i = 0; i < orders.length; ++i) {
            (uint256 added,) = _draw(orders[i], false);
            amount += added;
        }
    }

    /// @param strict Whether an order that cannot be drawn reverts, or is passed over.
    /// @return amount What was credited, the fee included.
    /// @return changed Whether anything moved or is newly missing.
    function _draw(Draw calldata order, bool strict) private returns (uint256 amount, bool changed) {
        Claim memory claim = _claim(order.parties, order.provider);
        bool guaranteed = order.guaranteeSignature.length > 0;
        // Check: the hub itself, or a guarantee by it; and promised by the consumer.
        if (!guaranteed && msg.sender != claim.hub) {
            revert NeitherHubNorGuarantee(claim.channelId, msg.sender);
        }
        _checkSize(order.amount);
        Tab storage tab = _tabs[claim.channelId][claim.provider];
        uint256 wanted = _above(guaranteed ? _min(order.amount, order.ceiling) : order.amount, tab.drawn);
        if (wanted == 0) return (0, false);
        if (guaranteed && !_isGuaranteed(order, claim, tab.releasedUpTo, strict)) return (0, false);
        bytes32 structHash = Documents.hashMicroPromise(claim.channelId, claim.provider, order.amount);
        if (!_isSigned(order.promiseSignature, claim.consumer, structHash, strict)) return (0, false);
        // Effect: the channel first; what it lacks is for the hub that guaranteed it.
        amount = _takeCollateral(claim.channelId, wanted);
        if (amount > 0) _creditCollateral(claim, amount);
        if (guaranteed && amount < wanted) {
            Trouble storage trouble = _troubles[claim.channelId][claim.provider];
            uint256 before = trouble.missingByHub;
            amount += _drawOnHub(claim, wanted - amount);
            changed = trouble.missingByHub != before;
        }
        changed = changed || amount > 0;
    }

    /// @dev As `_draw` by the hub, for many consumers of one provider: account and pool are written once.
    function _drawBatch(address provider, Slip[] calldata slips) private returns (uint256 amount) {
        Hub storage hub = _hubs[msg.sender];
        uint256 feeBps = _feeOf(hub, _DEFAULT_FEE);
        Claim memory claim = Claim(0, address(0), msg.sender, provider);
        uint256 fees;
        for (uint256 i = 0; i < slips.length; ++i) {
            Slip calldata slip = slips[i];
            claim.consumer = slip.consumer;
            claim.channelId = FinalStates.channelIdOf(slip.consumer, msg.sender, slip.nonce);
            Tab storage tab = _tabs[claim.channelId][provider];
            uint256 taken = _takeFor(claim, tab.drawn, slip);
            if (taken == 0) continue;
            fees += _raiseDrawn(claim, tab, taken, feeBps);
            if (tab.troubled) _lessen(claim, taken);
            amount += taken;
        }
        if (amount > 0) _raiseCredited({claim: claim, net: amount - fees, fee: fees, byHub: 0});
    }

    /// @dev What a slip adds, as far as its channel has it; nothing when its consumer did not sign it.
    function _takeFor(Claim memory claim, uint256 drawn, Slip calldata slip) private returns (uint256 taken) {
        uint256 total = slip.amount;
        // Check: promised by the consumer.
        _checkSize(total);
        uint256 wanted = _above(total, drawn);
        if (wanted == 0) return 0;
        bytes32 digest = _digest(Documents.hashMicroPromise(claim.channelId, claim.provider, total));
        if (!Signatures.isByKey(slip.r, slip.vs, claim.consumer, digest)) return 0;
        // Effect.
        taken = _takeCollateral(claim.channelId, wanted);
    }

    /// @dev A draw that both parties signed for: all of it or nothing.
    function _drawTotal(Claim memory claim, uint256 total) private {
        uint256 wanted = _above(total, _tabs[claim.channelId][claim.provider].drawn);
        if (wanted == 0) return;
        uint256 balance = _channels[claim.channelId].balance;
        if (wanted > balance) revert CollateralMissing(claim.channelId, claim.provider, total, balance);
        _takeCollateral(claim.channelId, wanted);
        _creditCollateral(claim, wanted);
    }

    /// @dev Takes up to so much out of a channel.
    function _takeCollateral(bytes32 channelId, uint256 wanted) private returns (uint256 taken) {
        uint256 balance = _channels[channelId].balance;
        taken = _min(wanted, balance);
        if (taken > 0) _channels[channelId].balance = SafeCast.toUint128(balance - taken);
    }

    /// @dev Fills a guaranteed promise that the channel could not: by what the hub has advanced on it already, by its
    /// pool, by its stake. The hub's own fee on that part costs it nothing, so what it needs is the rest.
    function _drawOnHub(Claim memory claim, uint256 wanted) private returns (uint256 filled) {
        Account storage account = _accounts[claim.hub][claim.provider];
        Hub storage hub = _hubs[claim.hub];
        uint256 within = hub.pool + _above(account.paid, account.credited);
        Tab storage tab = _tabs[claim.channelId][claim.provider];
        uint256 drawn = tab.drawn;
        uint256 feeBps = _feeOf(hub, _DEFAULT_FEE);
        uint256 net = wanted - _feeBetween(drawn, drawn + wanted, feeBps);
        uint256 slashed;
        filled = wanted;
        if (net > within) {
            Shortfall storage shortfall = _shortfalls[claim.hub][claim.provider];
            uint256 before = _troubles[claim.channelId][claim.provider].missingByHub;
            uint256 debt = shortfall.guaranteed + _above(wanted, before) - _grossOf(within, drawn, feeBps);
            slashed = _slash(claim.hub, net - within, _above(debt, shortfall.debt));
            if (slashed < net - within) filled = _grossOf(within + slashed, drawn, feeBps);
        }
        if (filled > 0) _credit({claim: claim, tab: tab, amount: filled, byHub: filled - slashed});
        _setMissing({claim: claim, amount: filled, owedByConsumer: 0, owedByHub: wanted});
    }

    function _settleProtest(Claim memory claim) private returns (uint256 amount) {
        Tab storage tab = _tabs[claim.channelId][claim.provider];
        Trouble storage trouble = _troubles[claim.channelId][claim.provider];
        uint64 endsAt = tab.protestEndsAt;
        // Check: the hub had its time.
        if (block.timestamp < endsAt) {
            revert ProtestRunning(claim.channelId, claim.provider, endsAt, block.timestamp);
        }
        // Effect: the channel first, then the consumer's stake.
        uint256 wanted = trouble.protested - tab.drawn;
        amount = _takeCollateral(claim.channelId, wanted);
        if (amount < wanted) {
            uint256 before = trouble.missingByConsumer;
            uint256 unpaid = _max(before, wanted) - amount;
            amount += _slash(claim.consumer, wanted - amount, _above(unpaid, before));
        }
        _closeProtest(claim, tab);
        if (amount > 0) _credit({claim: claim, tab: tab, amount: amount, byHub: 0});
        _setMissing({claim: claim, amount: amount, owedByConsumer: wanted, owedByHub: 0});
    }

    /// @dev What a channel held for a promise, and what was missing on it before is missing no more.
    function _creditCollateral(Claim memory claim, uint256 amount) private {
        Tab storage tab = _tabs[claim.channelId][claim.provider];
        _credit({claim: claim, tab: tab, amount: amount, byHub: 0});
        if (tab.troubled) _lessen(claim, amount);
    }

    /// @dev Raises what is drawn and C by what came in; the only way, with a batch, in which either grows.
    /// @param amount What is filled of the promise, the fee included.
    /// @param byHub The part of it that the hub's pool gives, as far as the hub has not advanced it.
    function _credit(Claim memory claim, Tab storage tab, uint256 amount, uint256 byHub) private {
        uint256 fee = _raiseDrawn(claim, tab, amount, _feeOf(_hubs[claim.hub], _DEFAULT_FEE));
        _raiseCredited({claim: claim, net: amount - fee, fee: fee, byHub: byHub});
    }

    /// @return fee What of it is the hub's.
    function _raiseDrawn(Claim memory claim, Tab storage tab, uint256 amount, uint256 feeBps)
        private
        returns (uint256 fee)
    {
        uint256 before = tab.drawn;
        uint256 drawn = before + amount;
        fee = _feeBetween(before, drawn, feeBps);
        tab.drawn = SafeCast.toUint128(drawn);
        emit Drawn(claim.channelId, claim.provider, amount, fee, drawn);
        if (tab.protestEndsAt > 0 && drawn >= _troubles[claim.channelId][claim.provider].protested) {
            _closeProtest(claim, tab);
        }
    }

    /// @param net What reaches the provider.
    function _raiseCredited(Claim memory claim, uint256 net, uint256 fee, uint256 byHub) private {
        Hub storage hub = _hubs[claim.hub];
        Account storage account = _accounts[claim.hub][claim.provider];
        uint256 credited = account.credited;
        // The pool gains the fee and what it had advanced. It never lacks what it gives: see README, I3.
        uint256 gained = fee + _min(net, _above(account.paid, credited));
        if (gained != byHub) hub.pool = SafeCast.toUint128(hub.pool + gained - byHub);
        account.credited = SafeCast.toUint128(credited + net);
    }

    /// @dev Somebody paid on a claim: so much less is missing.
    function _lessen(Claim memory claim, uint256 amount) private {
        _setMissing({claim: claim, amount: amount, owedByConsumer: 0, owedByHub: 0});
    }

    /// @dev What is missing is what is owed in all less what came in: set, so that repeating changes nothing.
    /// @param amount What came in on the promise.
    /// @param owedByConsumer What the consumer owed on it before, zero when this is not its failure.
    /// @param owedByHub The same of the hub.
    function _setMissing(Claim memory claim, uint256 amount, uint256 owedByConsumer, uint256 owedByHub)
        private
    {
        Trouble storage trouble = _troubles[claim.channelId][claim.provider];
        uint256 before = trouble.missingByConsumer;
        uint256 byConsumer = _above(_max(before, owedByConsumer), amount);
        if (byConsumer != before) {
            trouble.missingByConsumer = SafeCast.toUint128(byConsumer);
            emit MissingSet(claim.consumer, claim.channelId, claim.provider, byConsumer);
            _REGISTRY.changeDebt(claim.consumer, before, byConsumer);
        }
        before = trouble.missingByHub;
        uint256 byHub = _above(_max(before, owedByHub), amount);
        if (byHub != before) {
            trouble.missingByHub = SafeCast.toUint128(byHub);
            emit MissingSet(claim.hub, claim.channelId, claim.provider, byHub);
            Shortfall storage shortfall = _shortfalls[claim.hub][claim.provider];
            shortfall.guaranteed = shortfall.guaranteed - before + byHub;
            _setDebt(claim.hub, shortfall);
        }
        bool troubled = byConsumer > 0 || byHub > 0;
        Tab storage tab = _tabs[claim.channelId][claim.provider];
        if (tab.troubled != troubled) tab.troubled = troubled;
    }

    function _setDebt(address hub, Shortfall storage shortfall) private {
        uint256 before = shortfall.debt;
        uint256 debt = _max(shortfall.redeeming, shortfall.guaranteed);
        if (debt == before) return;
        shortfall.debt = debt;
        _REGISTRY.changeDebt(hub, before, debt);
    }

    /// @dev As `_redeem`, of which something must come.
    function _redeemSome(Redemption calldata redemption, address to) private returns (uint256 paid) {
        bool changed;
        (paid, changed) = _redeem(redemption, to);
        if (!changed) {
            (address hub, address provider) = (redemption.hub, redemption.provider);
            revert NothingToRedeem(hub, provider, redemption.total, _accounts[hub][provider].paid);
        }
    }

    function _redeem(Redemption calldata redemption, address to)
        private
        returns (uint256 paid, bool changed)
    {
        (address hub, address provider, uint256 total) =
            (redemption.hub, redemption.provider, redemption.total);
        // Check: the hub signed this total, if it says more than what was drawn.
        if (total > _accounts[hub][provider].credited) {
            _checkSize(total);
            _checkSignature(redemption.signature, hub, Documents.hashHubPromise(hub, provider, total));
        }
        return _redeemTotal(hub, provider, total, to);
    }

    /// @param total What the hub is known to have promised.
    /// @param to Who is paid; zero for the provider's beneficiary.
    function _redeemTotal(address hubAddress, address provider, uint256 total, address to)
        private
        returns (uint256 paid, bool changed)
    {
        Account memory account = _accounts[hubAddress][provider];
        Hub storage hub = _hubs[hubAddress];
        uint256 missing = hub.shortAccounts == 0 ? 0 : _shortfalls[hubAddress][provider].redeeming;
        uint256 due = _max(_above(_max(total, account.credited), account.paid), missing);
        if (due == 0) return (0, false);
        // Effect: what waits, then the pool, then the stake. Totals only grow, so nothing is paid twice.
        paid = _above(account.credited, account.paid);
        paid += _takeFromPool(hub, due - paid);
        if (paid < due) {
            Shortfall memory shortfall = _shortfalls[hubAddress][provider];
            uint256 debt = _max(due - paid, shortfall.guaranteed);
            paid += _slash(hubAddress, due - paid, _above(debt, shortfall.debt));
        }
        changed = paid > 0;
        if (paid < due || missing > 0) {
            changed = _setRedeeming(hubAddress, provider, missing, due - paid) || changed;
        }
        if (paid == 0) return (0, changed);
        account.paid = SafeCast.toUint128(account.paid + paid);
        _accounts[hubAddress][provider].paid = account.paid;
        if (to == address(0)) to = _beneficiaryOf(provider);
        emit Redeemed(hubAddress, provider, to, paid, account.paid);
        // Interaction: pay the beneficiary.
        _payOrKeep(provider, to, paid);
    }

    /// @dev Takes up to so much out of a pool.
    function _takeFromPool(Hub storage hub, uint256 wanted) private returns (uint256 taken) {
        uint256 pool = hub.pool;
        taken = _min(wanted, pool);
        if (taken > 0) hub.pool = SafeCast.toUint128(pool - taken);
    }

    function _setRedeeming(address hubAddress, address provider, uint256 before, uint256 missing)
        private
        returns (bool)
    {
        if (missing == before) return false;
        if (before == 0) ++_hubs[hubAddress].shortAccounts;
        if (missing == 0) --_hubs[hubAddress].shortAccounts;
        Shortfall storage shortfall = _shortfalls[hubAddress][provider];
        shortfall.redeeming = missing;
        emit MissingSet(hubAddress, bytes32(0), provider, missing);
        _setDebt(hubAddress, shortfall);
        return true;
    }

    /// @dev Not more than `missing` is newly so: the rest was punished when it was first found missing.
    function _slash(address identity, uint256 missing, uint256 newlyMissing) private returns (uint256) {
        return _REGISTRY.slash(identity, missing, _min(missing, newlyMissing));
    }

    function _closeProtest(Claim memory claim, Tab storage tab) private {
        tab.protestEndsAt = 0;
        --_channels[claim.channelId].openProtests;
        emit ProtestClosed(claim.channelId, claim.provider);
    }

    function _requestExit(bytes32 channelId, address relayer, uint96 relayFee) private {
        Channel storage channel = _channels[channelId];
        // Check: once.
        if (channel.status != ChannelStatus.Open) revert ChannelNotOpen(channelId);
        if (channel.exitAt > 0) revert ExitAlreadyRequested(channelId, channel.exitAt);
        // Effect.
        uint40 exitAt = _later(_EXIT_DELAY);
        channel.exitAt = exitAt;
        if (relayFee > 0) {
            channel.exitFee = true;
            _exitFees[channelId] = ExitFee(relayer, relayFee);
        }
        emit ExitRequested(channelId, exitAt, relayer, relayFee);
    }

    function _release(bytes32 channelId, SignedRelease calldata release) private {
        (address provider, uint256 amount, uint64 upTo) = (release.provider, release.amount, release.upTo);
        // Check: the provider is done, and has what it is done for.
        bytes32 structHash = Documents.hashRelease(provider, channelId, amount, upTo);
        _checkSignature(release.signature, provider, structHash);
        Tab storage tab = _tabs[channelId][provider];
        if (tab.drawn < amount) revert ReleaseUnpaid(channelId, provider, amount, tab.drawn);
        // Effect: a guarantee that expires later lives on.
        if (upTo > tab.releasedUpTo) tab.releasedUpTo = upTo;
        emit GuaranteesReleased(channelId, provider, amount, upTo);
    }

    /// @dev The id stays used for ever. No payment holds up another: a fee that cannot be paid stays in the rest, and a
    /// rest that cannot be paid is kept for the consumer.
    function _close(bytes32 channelId, address consumer) private returns (uint256 returned) {
        Channel storage channel = _channels[channelId];
        // Check.
        if (channel.openProtests > 0) revert ProtestsOpen(channelId, channel.openProtests);
        // Effect.
        returned = channel.balance;
        channel.status = ChannelStatus.Closed;
        channel.balance = 0;
        // Interaction.
        if (channel.exitFee) returned -= _payExitFee(channelId, returned);
        _payOrKeep(consumer, consumer, returned);
    }

    /// @return paid What the relayer got.
    function _payExitFee(bytes32 channelId, uint256 rest) private returns (uint256 paid) {
        ExitFee memory fee = _exitFees[channelId];
        paid = _min(fee.amount, rest);
        if (paid == 0 || !_TOKEN.tryPay(fee.relayer, paid)) return 0;
        emit ExitFeePaid(channelId, fee.relayer, paid);
    }

    /// @dev What the token refuses to pay is kept for its owner, who says where it goes.
    function _payOrKeep(address owner, address to, uint256 amount) private {
        if (_TOKEN.tryPay(to, amount)) return;
        Kept storage kept = _withheld[owner];
        uint256 withheld = kept.amount + amount;
        kept.amount = SafeCast.toUint128(withheld);
        emit Withheld(owner, amount, withheld);
    }

    function _fund(address hubAddress, uint256 amount) private {
        // Check.
        if (amount == 0) revert ZeroAmount();
        // Effect.
        uint256 pool = _sum(_hubs[hubAddress].pool, amount);
        _hubs[hubAddress].pool = SafeCast.toUint128(pool);
        emit PoolFunded(hubAddress, msg.sender, amount, pool);
    }

    /// @dev What is held, with what comes in: both must fit, and their sum.
    function _sum(uint256 held, uint256 amount) private pure returns (uint256 sum) {
        _checkSize(amount);
        sum = held + amount;
        _checkSize(sum);
    }

    /// @dev So many seconds from now. The constructor sees to it that 40 bits hold that.
    function _later(uint64 delay) private view returns (uint40) {
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint40(block.timestamp + delay);
    }

    /// @param to Zero for the provider's beneficiary, whoever calls.
    function _checkPayee(address provider, address to) private view {
        if (to != address(0) && msg.sender != provider) revert NotTheProvider(provider, msg.sender);
    }

    function _checkSize(uint256 amount) private pure {
        if (amount > type(uint128).max) revert AmountTooLarge(amount, type(uint128).max);
    }

    function _checkDeadline(uint64 deadline) private view {
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
    }

    function _checkSignature(bytes calldata signature, address signer, bytes32 structHash) private view {
        _isSigned(signature, signer, structHash, true);
    }

    /// @param strict Whether a signature that is not the signer's reverts.
    function _isSigned(bytes calldata signature, address signer, bytes32 structHash, bool strict)
        private
        view
        returns (bool signed)
    {
        signed = signature.isBy(signer, _digest(structHash));
        if (strict && !signed) revert WrongSigner(signer);
    }

    function _beneficiaryOf(address identity) private view returns (address) {
        return _REGISTRY.beneficiaryOf(identity);
    }

    /// @param strict Whether a guarantee that is not good now reverts.
    function _isGuaranteed(Draw calldata order, Claim memory claim, uint64 releasedUpTo, bool strict)
        private
        view
        returns (bool)
    {
        uint64 expiresAt = order.expiresAt;
        uint256 latest = block.timestamp + _MAX_GUARANTEE;
        if (!strict && (block.timestamp >= expiresAt || expiresAt > latest || expiresAt <= releasedUpTo)) {
            return false;
        }
        if (block.timestamp >= expiresAt) {
            revert GuaranteeExpired(claim.channelId, expiresAt, block.timestamp);
        }
        if (expiresAt > latest) revert GuaranteeTooLong(claim.channelId, expiresAt, latest);
        if (expiresAt <= releasedUpTo) {
            revert GuaranteeReleased(claim.channelId, expiresAt, releasedUpTo);
        }
        bytes32 structHash =
            Documents.hashGuarantee(claim.channelId, claim.provider, order.ceiling, expiresAt);
        return _isSigned(order.guaranteeSignature, claim.hub, structHash, strict);
    }

    function _idOf(Parties calldata parties) private view returns (bytes32) {
        return FinalStates.channelIdOf(parties.consumer, parties.hub, parties.nonce);
    }

    function _claim(Parties calldata parties, address provider) private view returns (Claim memory) {
        return Claim(_idOf(parties), parties.consumer, parties.hub, provider);
    }

    /// @dev On totals, so that many small draws pay what one large draw pays.
    function _feeBetween(uint256 from, uint256 to, uint256 feeBps) private pure returns (uint256) {
        // Both are below 2^128 and `from` is not above `to`.
        unchecked {
            return to * feeBps / WHOLE - from * feeBps / WHOLE;
        }
    }

    /// @dev The most that can be drawn beyond `drawn` so that no more than `net` of it is not fee.
    function _grossOf(uint256 net, uint256 drawn, uint256 feeBps) private pure returns (uint256) {
        return (drawn - drawn * feeBps / WHOLE + net) * WHOLE / (WHOLE - feeBps) - drawn;
    }

    function _above(uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            return a > b ? a - b : 0;
        }
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
