// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IIdentityRegistry, Permit} from "./interfaces/IIdentityRegistry.sol";
import {
    AccountView,
    ChannelSettings,
    ChannelStatus,
    ChannelView,
    Draw,
    FinalState,
    HubView,
    IPaymentChannels,
    Opening,
    Parties,
    Redemption,
    SignedRelease,
    TabView,
    Total
} from "./interfaces/IPaymentChannels.sol";
import {Domain} from "./Domain.sol";
import {Documents} from "./libraries/Documents.sol";
import {FinalStates} from "./libraries/FinalStates.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Tokens} from "./libraries/Tokens.sol";

/// @title Channels, hub pools, and accounts between hubs and providers; see IPaymentChannels.
contract PaymentChannels is IPaymentChannels, Domain, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Tokens for IERC20;
    using Signatures for bytes;

    /// @dev One slot, never deleted, so that a channel id is used once. `exitFee` says that a relayer waits for one.
    struct Channel {
        uint128 balance;
        uint40 exitAt;
        uint32 openProtests;
        ChannelStatus status;
        bool exitFee;
    }

    /// @dev What a channel holds for one provider. `troubled` says that something is missing.
    struct Tab {
        uint128 drawn;
        uint64 releasedUpTo;
        uint40 protestEndsAt;
        bool troubled;
    }

    /// @dev The rare part of a tab.
    struct Trouble {
        uint128 protested;
        uint128 missingByConsumer;
        uint128 missingByHub;
    }

    /// @dev C and D of docs/protocol.md, in one slot.
    struct Account {
        uint128 credited;
        uint128 paid;
    }

    /// @dev `shortAccounts` counts accounts whose last redemption could not be paid in full.
    struct Hub {
        uint128 pool;
        uint16 feeBps;
        uint16 nextFeeBps;
        uint40 feeChangesAt;
        uint32 shortAccounts;
        bool feeSet;
    }

    /// @dev What a hub owes one provider and could not pay: on its promises, on its guarantees. Both may speak of the
    /// same micro-promises, so the debt is the larger, never the sum.
    struct Shortfall {
        uint256 redeeming;
        uint256 guaranteed;
        uint256 debt;
    }

    struct Withdrawal {
        uint128 amount;
        uint64 withdrawableAt;
    }

    struct ExitFee {
        address relayer;
        uint256 amount;
    }

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

    mapping(bytes32 channelId => Channel) private _channels;
    mapping(bytes32 channelId => mapping(address provider => Tab)) private _tabs;
    mapping(bytes32 channelId => mapping(address provider => Trouble)) private _troubles;
    mapping(bytes32 channelId => ExitFee) private _exitFees;
    mapping(address hub => mapping(address provider => Account)) private _accounts;
    mapping(address hub => mapping(address provider => Shortfall)) private _shortfalls;
    mapping(address hub => Hub) private _hubs;
    mapping(address hub => Withdrawal) private _withdrawals;

    /// @param registry_ Must have been told this contract's address.
    /// @param settings_ Delays in seconds, each as long as docs/protocol.md demands.
    constructor(IIdentityRegistry registry_, ChannelSettings memory settings_) {
        if (
            registry_.channels() != address(this) || settings_.maxGuarantee >= settings_.protestWindow
                || settings_.protestWindow + settings_.maxGuarantee >= settings_.exitDelay
                || settings_.protestWindow >= settings_.withdrawalDelay
                || settings_.protestWindow >= settings_.feeNotice
                || settings_.protestWindow >= registry_.unbondingDelay()
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
    }

    // ---------------------------------------------------------------- opening

    /// @inheritdoc IPaymentChannels
    function open(address hub, uint48 nonce, uint256 amount)
        external
        nonReentrant
        returns (bytes32 channelId)
    {
        channelId = _open(msg.sender, hub, nonce, amount);
    }

    /// @inheritdoc IPaymentChannels
    function openFor(Opening calldata opening, Permit calldata permit, bytes calldata signature)
        external
        nonReentrant
        returns (bytes32 channelId)
    {
        address consumer = opening.consumer;
        // Check: signed by the consumer, and in time. A channel opens once, so a second use fails. The registry asks
        // for its own caller only.
        _checkDeadline(opening.deadline);
        if (msg.sender != address(_REGISTRY)) {
            _checkSignature(signature, consumer, Documents.hashOpening(opening));
        }
        // Interaction: collateral comes here, the fee goes to the relayer.
        _TOKEN.tryPermit(consumer, permit);
        channelId = _open(consumer, opening.hub, opening.channelNonce, opening.amount);
        if (opening.relayFee > 0) _TOKEN.safeTransferFrom(consumer, msg.sender, opening.relayFee);
    }

    /// @inheritdoc IPaymentChannels
    function deposit(Parties calldata parties, uint256 amount) external nonReentrant {
        bytes32 channelId = channelIdOf(parties);
        Channel storage channel = _channels[channelId];
        // Check: into a closed channel money would be lost.
        if (channel.status != ChannelStatus.Open) revert ChannelNotOpen(channelId);
        if (amount == 0) revert ZeroAmount();
        // Interaction, Effect: what arrived is collateral.
        _TOKEN.pull(msg.sender, amount);
        uint256 balance = channel.balance + amount;
        channel.balance = SafeCast.toUint128(balance);
        emit Deposited(channelId, msg.sender, amount, balance);
    }

    // ------------------------------------------------------ drawing, redeeming

    /// @inheritdoc IPaymentChannels
    function draw(Draw calldata order) external nonReentrant returns (uint256 amount) {
        bool changed;
        (amount, changed) = _draw(order);
        if (!changed) {
            bytes32 channelId = channelIdOf(order.parties);
            revert NothingToDraw(
                channelId, order.provider, order.amount, _tabs[channelId][order.provider].drawn
            );
        }
    }

    /// @inheritdoc IPaymentChannels
    function drawMany(Draw[] calldata orders) external nonReentrant returns (uint256 amount) {
        amount = _drawMany(orders);
    }

    /// @inheritdoc IPaymentChannels
    function redeem(Redemption calldata redemption) external nonReentrant returns (uint256 amount) {
        bool changed;
        (amount, changed) = _redeem(redemption);
        if (!changed) {
            (address hub, address provider) = (redemption.hub, redemption.provider);
            revert NothingToRedeem(hub, provider, redemption.total, _accounts[hub][provider].paid);
        }
    }

    /// @inheritdoc IPaymentChannels
    function redeemMany(Redemption[] calldata redemptions) external nonReentrant returns (uint256 amount) {
        for (uint256 i = 0; i < redemptions.length; ++i) {
            (uint256 paid,) = _redeem(redemptions[i]);
            amount += paid;
        }
    }

    /// @inheritdoc IPaymentChannels
    function drawAndRedeem(Draw[] calldata orders, Redemption calldata redemption)
        external
        nonReentrant
        returns (uint256 drawnAmount, uint256 paidAmount)
    {
        drawnAmount = _drawMany(orders);
        (paidAmount,) = _redeem(redemption);
    }

    // -------------------------------------------------------------- protesting

    /// @inheritdoc IPaymentChannels
    function protest(Parties calldata parties, address provider, uint256 amount, bytes calldata signature)
        external
        nonReentrant
    {
        bytes32 channelId = channelIdOf(parties);
        Channel storage channel = _channels[channelId];
        Tab storage tab = _tabs[channelId][provider];
        // Check: promised by the consumer, not drawn yet, and not given up.
        if (channel.status == ChannelStatus.None) revert ChannelNotOpen(channelId);
        _checkSize(amount);
        if (amount <= tab.drawn) revert AlreadyDrawn(channelId, provider, amount, tab.drawn);
        if (channel.status == ChannelStatus.Closed && tab.releasedUpTo > 0) {
            revert AlreadyReleased(channelId, provider);
        }
        _checkPromise(channelId, parties.consumer, provider, amount, signature);

        uint256 endsAt = tab.protestEndsAt;
        if (endsAt > 0) {
            // Check: a guarantee that did not see the larger promise ends before it is paid.
            uint256 protested = _troubles[channelId][provider].protested;
            if (amount <= protested) revert AlreadyProtested(channelId, provider, amount, protested);
            if (block.timestamp + _MAX_GUARANTEE > endsAt) {
                revert ProtestTooLate(channelId, block.timestamp + _MAX_GUARANTEE, endsAt);
            }
        } else {
            // Check: protests in a row cannot hold up an exit.
            endsAt = block.timestamp + _PROTEST_WINDOW;
            if (channel.exitAt > 0 && endsAt > channel.exitAt) {
                revert ProtestTooLate(channelId, endsAt, channel.exitAt);
            }
            // Effect: the window opens once, whatever replaces the promise later.
            tab.protestEndsAt = SafeCast.toUint40(endsAt);
            ++channel.openProtests;
        }
        _troubles[channelId][provider].protested = SafeCast.toUint128(amount);
        emit ProtestOpened(channelId, provider, amount, SafeCast.toUint64(endsAt));
    }

    /// @inheritdoc IPaymentChannels
    function settleProtest(Parties calldata parties, address provider)
        external
        nonReentrant
        returns (uint256 amount)
    {
        amount = _settleProtest(_claim(parties, provider));
    }

    // ----------------------------------------------------------------- closing

    /// @inheritdoc IPaymentChannels
    function requestExit(address hub, uint48 nonce) external {
        _requestExit(FinalStates.channelIdOf(msg.sender, hub, nonce));
    }

    /// @inheritdoc IPaymentChannels
    function requestExitFor(
        Parties calldata parties,
        uint256 relayFee,
        uint64 deadline,
        bytes calldata signature
    ) external {
        bytes32 channelId = channelIdOf(parties);
        // Check: signed by the consumer, and in time. An exit begins once, so a second use fails.
        _checkDeadline(deadline);
        bytes32 structHash = Documents.hashExitRequest(channelId, relayFee, deadline);
        _checkSignature(signature, parties.consumer, structHash);
        // Effect: the fee waits until providers had their turn.
        _requestExit(channelId);
        if (relayFee > 0) {
            _channels[channelId].exitFee = true;
            _exitFees[channelId] = ExitFee(msg.sender, relayFee);
        }
    }

    /// @inheritdoc IPaymentChannels
    function exit(Parties calldata parties, address[] calldata protesters)
        external
        nonReentrant
        returns (uint256 returned)
    {
        Claim memory claim = _claim(parties, address(0));
        bytes32 channelId = claim.channelId;
        Channel storage channel = _channels[channelId];
        // Check: the delay is over; every protest window ended before it.
        if (channel.status != ChannelStatus.Open) revert ChannelNotOpen(channelId);
        if (channel.exitAt == 0) revert ExitNotRequested(channelId);
        if (block.timestamp < channel.exitAt) {
            revert ExitTooEarly(channelId, channel.exitAt, block.timestamp);
        }
        // Effect: protests are paid first.
        for (uint256 i = 0; i < protesters.length; ++i) {
            claim.provider = protesters[i];
            _settleProtest(claim);
        }
        // Interaction: the rest goes back.
        returned = _close(channelId, claim.consumer);
        emit ChannelExited(channelId, returned);
    }

    /// @inheritdoc IPaymentChannels
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
        // Interaction: everything left goes back.
        returned = _close(channelId, claim.consumer);
        emit ChannelConcluded(channelId, returned);
    }

    // --------------------------------------------------------------------- hub

    /// @inheritdoc IPaymentChannels
    function fund(address hub, uint256 amount) external nonReentrant {
        _fund(hub, amount);
    }

    /// @inheritdoc IPaymentChannels
    function requestWithdrawal(uint256 amount) external {
        _checkSize(amount);
        // Effect: the delay starts again.
        uint64 withdrawableAt = amount == 0 ? 0 : uint64(block.timestamp) + _WITHDRAWAL_DELAY;
        _withdrawals[msg.sender] = Withdrawal(SafeCast.toUint128(amount), withdrawableAt);
        emit WithdrawalRequested(msg.sender, amount, withdrawableAt);
    }

    /// @inheritdoc IPaymentChannels
    function withdraw() external nonReentrant returns (uint256 amount) {
        Withdrawal memory pending = _withdrawals[msg.sender];
        // Check: everyone had time to redeem, and nobody is owed.
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
        // Interaction.
        address to = _beneficiaryOf(msg.sender);
        emit PoolWithdrawn(msg.sender, to, amount, pool);
        _TOKEN.safeTransfer(to, amount);
    }

    /// @inheritdoc IPaymentChannels
    function announceFee(uint16 feeBps) external {
        if (feeBps > _FEE_CAP) revert FeeAboveCap(feeBps, _FEE_CAP);
        Hub storage hub = _hubs[msg.sender];
        uint16 current = _fee(hub);
        // Effect: a lowering cancels an announced raise, a raise replaces it and waits anew.
        uint64 effectiveAt = uint64(block.timestamp);
        hub.feeChangesAt = 0;
        hub.feeSet = true;
        hub.feeBps = feeBps;
        if (feeBps > current) {
            effectiveAt += _FEE_NOTICE;
            hub.feeBps = current;
            hub.nextFeeBps = feeBps;
            hub.feeChangesAt = SafeCast.toUint40(effectiveAt);
        }
        emit FeeAnnounced(msg.sender, feeBps, effectiveAt);
    }

    /// @inheritdoc IPaymentChannels
    function anchorLiabilities(bytes32 root, uint256 sum, uint256 pool, uint64 blockNumber) external {
        emit LiabilitiesAnchored(msg.sender, root, sum, pool, blockNumber);
    }

    // ------------------------------------------------------------------- debts

    /// @inheritdoc IPaymentChannels
    function repay(Parties calldata parties, address provider, uint256 amount)
        external
        nonReentrant
        returns (uint256 taken)
    {
        Claim memory claim = _claim(parties, provider);
        Trouble storage trouble = _troubles[claim.channelId][provider];
        uint256 missing = _max(trouble.missingByConsumer, trouble.missingByHub);
        if (missing == 0) revert NothingMissing(provider);
        // What the hub has advanced already need not be paid by it again.
        Account memory account = _accounts[parties.hub][provider];
        uint256 free =
            trouble.missingByConsumer == 0 ? _min(missing, _above(account.paid, account.credited)) : 0;
        taken = _min(amount, missing - free);
        if (taken == 0 && free == 0) revert ZeroAmount();
        // Interaction, Effect: what arrived is credited like a draw.
        if (taken > 0) _TOKEN.pull(msg.sender, taken);
        _credit(claim, taken + free, free, 0, 0);
    }

    /// @inheritdoc IPaymentChannels
    function repayPromise(address hub, address provider, uint256 amount)
        external
        nonReentrant
        returns (uint256 paid)
    {
        uint256 missing = _shortfalls[hub][provider].redeeming;
        if (missing == 0) revert NothingMissing(provider);
        Account memory account = _accounts[hub][provider];
        uint256 needed = _above(missing, _above(account.credited, account.paid));
        // Interaction, Effect: through the pool, as any redemption.
        if (needed > 0) _fund(hub, _min(amount, needed));
        (paid,) = _redeemTotal(hub, provider, 0);
    }

    // ------------------------------------------------------------------- views

    /// @inheritdoc IPaymentChannels
    function channelIdOf(Parties calldata parties) public view returns (bytes32) {
        return FinalStates.channelIdOf(parties.consumer, parties.hub, parties.nonce);
    }

    /// @inheritdoc IPaymentChannels
    function channelOf(bytes32 channelId) external view returns (ChannelView memory) {
        Channel memory channel = _channels[channelId];
        return ChannelView(channel.status, channel.balance, channel.exitAt, channel.openProtests);
    }

    /// @inheritdoc IPaymentChannels
    function tabOf(bytes32 channelId, address provider) public view returns (TabView memory) {
        Tab storage tab = _tabs[channelId][provider];
        Trouble storage trouble = _troubles[channelId][provider];
        return TabView({
            drawn: tab.drawn,
            releasedUpTo: tab.releasedUpTo,
            protested: tab.protestEndsAt > 0 ? trouble.protested : 0,
            protestEndsAt: tab.protestEndsAt,
            missingByConsumer: trouble.missingByConsumer,
            missingByHub: trouble.missingByHub
        });
    }

    /// @inheritdoc IPaymentChannels
    function tabsOf(bytes32 channelId, address[] calldata providers)
        external
        view
        returns (TabView[] memory tabs)
    {
        tabs = new TabView[](providers.length);
        for (uint256 i = 0; i < providers.length; ++i) {
            tabs[i] = tabOf(channelId, providers[i]);
        }
    }

    /// @inheritdoc IPaymentChannels
    function accountOf(address hub, address provider) public view returns (AccountView memory) {
        Account memory account = _accounts[hub][provider];
        Shortfall memory shortfall = _shortfalls[hub][provider];
        return AccountView(account.credited, account.paid, shortfall.redeeming, shortfall.guaranteed);
    }

    /// @inheritdoc IPaymentChannels
    function accountsOf(address hub, address[] calldata providers)
        external
        view
        returns (AccountView[] memory accounts)
    {
        accounts = new AccountView[](providers.length);
        for (uint256 i = 0; i < providers.length; ++i) {
            accounts[i] = accountOf(hub, providers[i]);
        }
    }

    /// @inheritdoc IPaymentChannels
    function hubOf(address hub) external view returns (HubView memory) {
        Hub storage known = _hubs[hub];
        Withdrawal memory pending = _withdrawals[hub];
        (uint128 stake, uint32 faults, uint256 debt) = _REGISTRY.securityOf(hub);
        uint16 current = _fee(known);
        bool raising = known.feeChangesAt > block.timestamp;
        return HubView({
            pool: known.pool,
            pendingWithdrawal: pending.amount,
            withdrawableAt: pending.withdrawableAt,
            feeBps: current,
            announcedFeeBps: raising ? known.nextFeeBps : current,
            feeChangesAt: raising ? known.feeChangesAt : 0,
            stake: stake,
            faults: faults,
            debt: debt
        });
    }

    /// @inheritdoc IPaymentChannels
    function feeOf(address hub) external view returns (uint16) {
        return _fee(_hubs[hub]);
    }

    /// @inheritdoc IPaymentChannels
    function settings() external view returns (ChannelSettings memory) {
        return ChannelSettings({
            maxGuarantee: _MAX_GUARANTEE,
            protestWindow: _PROTEST_WINDOW,
            exitDelay: _EXIT_DELAY,
            withdrawalDelay: _WITHDRAWAL_DELAY,
            feeNotice: _FEE_NOTICE,
            feeCapBps: _FEE_CAP,
            defaultFeeBps: _DEFAULT_FEE
        });
    }

    /// @inheritdoc IPaymentChannels
    function token() external view returns (address) {
        return address(_TOKEN);
    }

    /// @inheritdoc IPaymentChannels
    function registry() external view returns (address) {
        return address(_REGISTRY);
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
        // Interaction, Effect: `pull` has seen to it that the amount fits.
        _TOKEN.pull(consumer, amount);
        _channels[channelId] = Channel(SafeCast.toUint128(amount), 0, 0, ChannelStatus.Open, false);
        emit ChannelOpened(channelId, consumer, hub, nonce, amount);
    }

    function _drawMany(Draw[] calldata orders) private returns (uint256 amount) {
        for (uint256 i = 0; i < orders.length; ++i) {
            (uint256 added,) = _draw(orders[i]);
            amount += added;
        }
    }

    /// @return amount What was credited, the fee included.
    /// @return changed Whether anything moved or is newly missing.
    function _draw(Draw calldata order) private returns (uint256 amount, bool changed) {
        Claim memory claim = _claim(order.parties, order.provider);
        bool guaranteed = order.guaranteeSignature.length > 0;
        // Check: the hub itself, or a guarantee by it; and promised by the consumer.
        if (!guaranteed && msg.sender != claim.hub) {
            revert NeitherHubNorGuarantee(claim.channelId, msg.sender);
        }
        _checkSize(order.amount);
        Tab storage tab = _tabs[claim.channelId][claim.provider];
        uint256 target = guaranteed ? _min(order.amount, order.ceiling) : order.amount;
        uint256 wanted = _above(target, tab.drawn);
        if (wanted == 0) return (0, false);
        if (guaranteed) _checkGuarantee(order, claim, tab.releasedUpTo);
        _checkPromise(claim.channelId, claim.consumer, claim.provider, order.amount, order.promiseSignature);
        // Effect: the channel first; what it lacks is for the hub that guaranteed it.
        amount = _takeCollateral(claim.channelId, wanted);
        if (amount > 0) _credit(claim, amount, 0, 0, 0);
        if (guaranteed && amount < wanted) {
            Trouble storage trouble = _troubles[claim.channelId][claim.provider];
            uint256 before = trouble.missingByHub;
            amount += _drawOnHub(claim, wanted - amount);
            changed = trouble.missingByHub != before;
        }
        changed = changed || amount > 0;
    }

    /// @dev A draw that both parties signed for: all of it or nothing.
    function _drawTotal(Claim memory claim, uint256 total) private {
        uint256 wanted = _above(total, _tabs[claim.channelId][claim.provider].drawn);
        if (wanted == 0) return;
        uint256 balance = _channels[claim.channelId].balance;
        if (wanted > balance) revert CollateralMissing(claim.channelId, claim.provider, total, balance);
        _takeCollateral(claim.channelId, wanted);
        _credit(claim, wanted, 0, 0, 0);
    }

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
        uint256 drawn = _tabs[claim.channelId][claim.provider].drawn;
        uint256 feeBps = _fee(hub);
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
        _credit(claim, filled, filled - slashed, 0, wanted);
    }

    function _settleProtest(Claim memory claim) private returns (uint256 amount) {
        Tab storage tab = _tabs[claim.channelId][claim.provider];
        Trouble storage trouble = _troubles[claim.channelId][claim.provider];
        uint64 endsAt = tab.protestEndsAt;
        // Check: the hub had its time.
        if (endsAt == 0) revert NoProtest(claim.channelId, claim.provider);
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
        _credit(claim, amount, 0, wanted, 0);
    }

    /// @dev Raises drawn and C by what came in; the only way in which either grows.
    /// @param amount What is filled of the promise, the fee included.
    /// @param byHub The part of it that the hub's pool gives, as far as the hub has not advanced it.
    /// @param consumerClaim What the consumer owed on this promise before, zero when this is not its failure.
    /// @param hubClaim The same of the hub.
    function _credit(
        Claim memory claim,
        uint256 amount,
        uint256 byHub,
        uint256 consumerClaim,
        uint256 hubClaim
    ) private {
        Tab storage tab = _tabs[claim.channelId][claim.provider];
        uint256 drawn = tab.drawn;
        if (amount > 0) {
            Hub storage hub = _hubs[claim.hub];
            Account memory account = _accounts[claim.hub][claim.provider];
            uint256 fee = _feeBetween(drawn, drawn + amount, _fee(hub));
            uint256 advanced = _min(amount - fee, _above(account.paid, account.credited));
            // The pool gains the fee and what it had advanced. It never lacks what it gives: see README, I3.
            uint256 gained = fee + advanced;
            if (gained != byHub) hub.pool = SafeCast.toUint128(hub.pool + gained - byHub);
            _accounts[claim.hub][claim.provider].credited =
                SafeCast.toUint128(account.credited + amount - fee);
            drawn += amount;
            tab.drawn = SafeCast.toUint128(drawn);
            emit Drawn(claim.channelId, claim.provider, amount, fee, drawn);
            if (tab.protestEndsAt > 0 && drawn >= _troubles[claim.channelId][claim.provider].protested) {
                _closeProtest(claim, tab);
            }
        }
        if (tab.troubled || consumerClaim > amount || hubClaim > amount) {
            _setMissing(claim, amount, consumerClaim, hubClaim);
        }
    }

    /// @dev What is missing is what is owed in all less what came in: set, so that repeating changes nothing.
    function _setMissing(Claim memory claim, uint256 amount, uint256 consumerClaim, uint256 hubClaim)
        private
    {
        Trouble storage trouble = _troubles[claim.channelId][claim.provider];
        uint256 before = trouble.missingByConsumer;
        uint256 byConsumer = _above(_max(before, consumerClaim), amount);
        if (byConsumer != before) {
            trouble.missingByConsumer = SafeCast.toUint128(byConsumer);
            emit MissingSet(claim.consumer, claim.channelId, claim.provider, byConsumer);
            _changeDebt(claim.consumer, before, byConsumer);
        }
        before = trouble.missingByHub;
        uint256 byHub = _above(_max(before, hubClaim), amount);
        if (byHub != before) {
            trouble.missingByHub = SafeCast.toUint128(byHub);
            emit MissingSet(claim.hub, claim.channelId, claim.provider, byHub);
            Shortfall storage shortfall = _shortfalls[claim.hub][claim.provider];
            shortfall.guaranteed = shortfall.guaranteed - before + byHub;
            _setDebt(claim.hub, shortfall);
        }
        _tabs[claim.channelId][claim.provider].troubled = byConsumer > 0 || byHub > 0;
    }

    function _setDebt(address hub, Shortfall storage shortfall) private {
        uint256 before = shortfall.debt;
        uint256 debt = _max(shortfall.redeeming, shortfall.guaranteed);
        if (debt == before) return;
        shortfall.debt = debt;
        _changeDebt(hub, before, debt);
    }

    function _redeem(Redemption calldata redemption) private returns (uint256 paid, bool changed) {
        (address hub, address provider, uint256 total) =
            (redemption.hub, redemption.provider, redemption.total);
        // Check: the hub signed this total, if it says more than what was drawn.
        if (total > _accounts[hub][provider].credited) {
            _checkSize(total);
            _checkSignature(redemption.signature, hub, Documents.hashHubPromise(provider, total));
        }
        return _redeemTotal(hub, provider, total);
    }

    /// @param total What the hub is known to have promised.
    function _redeemTotal(address hubAddress, address provider, uint256 total)
        private
        returns (uint256 paid, bool changed)
    {
        Account memory account = _accounts[hubAddress][provider];
        Hub storage hub = _hubs[hubAddress];
        uint256 missing = hub.shortAccounts == 0 ? 0 : _shortfalls[hubAddress][provider].redeeming;
        uint256 due = _max(_above(_max(total, account.credited), account.paid), missing);
        if (due == 0) return (0, false);
        // Effect: what waits, then the pool, then the stake. Totals only grow, so nothing is paid twice.
        uint256 waiting = _above(account.credited, account.paid);
        uint256 pool = hub.pool;
        uint256 advance = _min(due - waiting, pool);
        if (advance > 0) hub.pool = SafeCast.toUint128(pool - advance);
        paid = waiting + advance;
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
        uint256 paidInAll = account.paid + paid;
        _accounts[hubAddress][provider].paid = SafeCast.toUint128(paidInAll);
        // Interaction: pay the beneficiary.
        address beneficiary = _beneficiaryOf(provider);
        emit Redeemed(hubAddress, provider, beneficiary, paid, paidInAll);
        _TOKEN.safeTransfer(beneficiary, paid);
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

    function _changeDebt(address identity, uint256 before, uint256 debt) private {
        _REGISTRY.changeDebt(identity, before, debt);
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

    function _requestExit(bytes32 channelId) private {
        Channel storage channel = _channels[channelId];
        // Check: once.
        if (channel.status != ChannelStatus.Open) revert ChannelNotOpen(channelId);
        if (channel.exitAt > 0) revert ExitAlreadyRequested(channelId, channel.exitAt);
        // Effect.
        uint64 exitAt = uint64(block.timestamp) + _EXIT_DELAY;
        channel.exitAt = SafeCast.toUint40(exitAt);
        emit ExitRequested(channelId, exitAt);
    }

    function _release(bytes32 channelId, SignedRelease calldata release) private {
        // Check: the provider is done, and has what it is done for.
        bytes32 structHash = Documents.hashRelease(channelId, release.amount, release.upTo);
        _checkSignature(release.signature, release.provider, structHash);
        Tab storage tab = _tabs[channelId][release.provider];
        if (tab.drawn < release.amount) {
            revert ReleaseUnpaid(channelId, release.provider, release.amount, tab.drawn);
        }
        // Effect: a guarantee that expires later lives on.
        if (release.upTo > tab.releasedUpTo) tab.releasedUpTo = release.upTo;
        emit GuaranteesReleased(channelId, release.provider, release.amount, release.upTo);
    }

    /// @dev The id stays used for ever.
    function _close(bytes32 channelId, address consumer) private returns (uint256 returned) {
        Channel storage channel = _channels[channelId];
        if (channel.openProtests > 0) revert ProtestsOpen(channelId, channel.openProtests);
        returned = channel.balance;
        channel.status = ChannelStatus.Closed;
        channel.balance = 0;
        if (channel.exitFee) {
            ExitFee storage fee = _exitFees[channelId];
            uint256 amount = _min(fee.amount, returned);
            returned -= amount;
            _TOKEN.safeTransfer(fee.relayer, amount);
        }
        if (returned > 0) _TOKEN.safeTransfer(consumer, returned);
    }

    function _fund(address hubAddress, uint256 amount) private {
        if (amount == 0) revert ZeroAmount();
        // Interaction, Effect.
        _TOKEN.pull(msg.sender, amount);
        uint256 pool = _hubs[hubAddress].pool + amount;
        _hubs[hubAddress].pool = SafeCast.toUint128(pool);
        emit PoolFunded(hubAddress, msg.sender, amount, pool);
    }

    function _checkSize(uint256 amount) private pure {
        if (amount > type(uint128).max) revert AmountTooLarge(amount, type(uint128).max);
    }

    function _checkDeadline(uint64 deadline) private view {
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
    }

    function _checkSignature(bytes calldata signature, address signer, bytes32 structHash) private view {
        if (!signature.isBy(signer, _digest(structHash))) revert WrongSigner(signer);
    }

    function _beneficiaryOf(address identity) private view returns (address) {
        return _REGISTRY.beneficiaryOf(identity);
    }

    function _checkPromise(
        bytes32 channelId,
        address consumer,
        address provider,
        uint256 amount,
        bytes calldata signature
    ) private view {
        _checkSignature(signature, consumer, Documents.hashMicroPromise(channelId, provider, amount));
    }

    function _checkGuarantee(Draw calldata order, Claim memory claim, uint64 releasedUpTo) private view {
        uint64 expiresAt = order.expiresAt;
        if (block.timestamp >= expiresAt) {
            revert GuaranteeExpired(claim.channelId, expiresAt, block.timestamp);
        }
        if (expiresAt > block.timestamp + _MAX_GUARANTEE) {
            revert GuaranteeTooLong(claim.channelId, expiresAt, block.timestamp + _MAX_GUARANTEE);
        }
        if (expiresAt <= releasedUpTo) {
            revert GuaranteeReleased(claim.channelId, expiresAt, releasedUpTo);
        }
        bytes32 structHash =
            Documents.hashGuarantee(claim.channelId, claim.provider, order.ceiling, expiresAt);
        _checkSignature(order.guaranteeSignature, claim.hub, structHash);
    }

    function _claim(Parties calldata parties, address provider) private view returns (Claim memory) {
        return Claim(channelIdOf(parties), parties.consumer, parties.hub, provider);
    }

    function _fee(Hub storage hub) private view returns (uint16) {
        if (hub.feeChangesAt > 0 && block.timestamp >= hub.feeChangesAt) return hub.nextFeeBps;
        return hub.feeSet ? hub.feeBps : _DEFAULT_FEE;
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
