// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {
    Deposit,
    IIdentityRegistry,
    Permit,
    Registration,
    Repayment,
    StakeWithdrawal,
    Standing,
    Unbonding
} from "./interfaces/IIdentityRegistry.sol";
import {IChannelMoney, Opening, Parties} from "./interfaces/IChannelMoney.sol";
import {IChannelViews} from "./interfaces/IChannelViews.sol";
import {Domain} from "./Domain.sol";
import {Documents} from "./libraries/Documents.sol";
import {Signatures} from "./libraries/Signatures.sol";
import {Tokens} from "./libraries/Tokens.sol";

/// @notice Tokens an identity must stake for each role.
struct MinimumStakes {
    uint128 consumer;
    uint128 provider;
    uint128 hub;
}

/// @title Stake and standing of every identity; see IIdentityRegistry.
contract IdentityRegistry is IIdentityRegistry, Domain, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Tokens for IERC20;
    using Signatures for bytes;

    /// @dev One slot, so that a newcomer costs one store.
    struct Identity {
        uint128 stake;
        uint40 registeredAt;
        uint32 faults;
        uint40 nonce;
        uint8 roles;
        bool indebted;
    }

    /// @dev Stake on its way out; it can still be slashed.
    struct Exit {
        uint128 unbonding;
        uint64 unbondsAt;
    }

    uint8 internal constant CONSUMER = 1;
    uint8 internal constant PROVIDER = 2;
    uint8 internal constant HUB = 4;
    uint8 internal constant ALL_ROLES = CONSUMER | PROVIDER | HUB;
    uint256 internal constant MAXIMUM_URL = 256;

    IERC20 private immutable _TOKEN;
    address private immutable _CHANNELS;
    address private immutable _MARKETPLACE;
    uint64 private immutable _UNBONDING_DELAY;
    uint128 private immutable _CONSUMER_STAKE;
    uint128 private immutable _PROVIDER_STAKE;
    uint128 private immutable _HUB_STAKE;

    mapping(address identity => Identity) private _identities;
    mapping(address identity => Exit) private _exits;
    mapping(address identity => address) private _beneficiaries;
    mapping(address identity => uint256) private _debts;
    mapping(address identity => string) private _urls;
    /// @dev Tokens that stay here for ever: some tokens refuse to be sent to where nobody has a key.
    uint256 private _burned;

    modifier onlySlasher() {
        _checkSlasher();
        _;
    }

    /// @param token_ The ERC-20 of this deployment.
    /// @param channels_ Where PaymentChannels will be deployed; it checks that in its constructor.
    /// @param marketplace_ Where Marketplace will be deployed; it checks that in its constructor.
    constructor(
        IERC20 token_,
        address channels_,
        address marketplace_,
        uint64 unbondingDelay_,
        MinimumStakes memory minimums
    ) {
        _TOKEN = token_;
        _CHANNELS = channels_;
        _MARKETPLACE = marketplace_;
        _UNBONDING_DELAY = unbondingDelay_;
        _CONSUMER_STAKE = minimums.consumer;
        _PROVIDER_STAKE = minimums.provider;
        _HUB_STAKE = minimums.hub;
    }

    /// @inheritdoc IIdentityRegistry
    function register(uint8 roles, uint256 stake, address beneficiary, string calldata url)
        external
        nonReentrant
    {
        // Check, Effect.
        _register(msg.sender, roles, stake, beneficiary, url);
        // Interaction.
        if (stake > 0) _TOKEN.pull(msg.sender, stake);
    }

    /// @inheritdoc IIdentityRegistry
    function registerFor(Registration calldata registration, Permit calldata permit, bytes calldata signature)
        external
        nonReentrant
    {
        address identity = registration.identity;
        // Check, Effect: signed by the identity, for one use. Then as if it called itself.
        bytes32 structHash = Documents.hashRegistration(registration);
        _useSignature(identity, registration.nonce, registration.deadline, structHash, signature);
        _register(
            identity, registration.roles, registration.stake, registration.beneficiary, registration.url
        );
        // Interaction: the stake comes here, the fee goes to the relayer.
        _TOKEN.tryPermit(identity, permit);
        if (registration.stake > 0) _TOKEN.pull(identity, registration.stake);
        _payRelayer(identity, registration.relayFee);
    }

    /// @inheritdoc IIdentityRegistry
    function registerAndOpen(uint256 stake, address hub, uint48 nonce, uint256 amount)
        external
        nonReentrant
        returns (bytes32 channelId)
    {
        // Check, Effect.
        if (_identities[msg.sender].registeredAt == 0) {
            _register(msg.sender, CONSUMER, stake, msg.sender, "");
        } else {
            _register(msg.sender, CONSUMER, stake, beneficiaryOf(msg.sender), _urls[msg.sender]);
        }
        // Interaction.
        if (stake > 0) _TOKEN.pull(msg.sender, stake);
        // PaymentChannels takes this contract's word for who the consumer is.
        Opening memory opening = Opening(msg.sender, hub, nonce, amount, 0, 0);
        Permit memory none;
        return IChannelMoney(_CHANNELS).openFor(opening, none, "");
    }

    /// @inheritdoc IIdentityRegistry
    function cancelSignatures() external {
        // Effect: what was signed for the nonce so far is good no more.
        uint40 nonce = ++_identities[msg.sender].nonce;
        emit SignaturesCancelled(msg.sender, nonce);
    }

    /// @inheritdoc IIdentityRegistry
    function addStake(address identity, uint256 amount) external nonReentrant {
        // Check: somebody's stake, so that it can leave again.
        if (_identities[identity].registeredAt == 0) revert NotRegistered(identity);
        if (amount == 0) revert ZeroAmount();
        // Effect.
        Identity storage known = _identities[identity];
        _setStake(known, identity, amount, _sum(known.stake, amount));
        // Interaction.
        _TOKEN.pull(msg.sender, amount);
    }

    /// @inheritdoc IIdentityRegistry
    function requestUnbonding(uint256 amount) external {
        _requestUnbonding(msg.sender, amount);
    }

    /// @inheritdoc IIdentityRegistry
    function requestUnbondingFor(
        Unbonding calldata unbonding,
        Permit calldata permit,
        bytes calldata signature
    ) external nonReentrant {
        address identity = unbonding.identity;
        // Check, Effect: signed by the identity, for one use. Then as if it called itself.
        bytes32 structHash = Documents.hashUnbonding(unbonding);
        _useSignature(identity, unbonding.nonce, unbonding.deadline, structHash, signature);
        if (unbonding.amount == 0) _cancelUnbonding(identity);
        else _requestUnbonding(identity, unbonding.amount);
        // Interaction: the fee goes to the relayer.
        _TOKEN.tryPermit(identity, permit);
        _payRelayer(identity, unbonding.relayFee);
    }

    /// @inheritdoc IIdentityRegistry
    function cancelUnbonding() external {
        _cancelUnbonding(msg.sender);
    }

    /// @inheritdoc IIdentityRegistry
    function withdrawStake() external nonReentrant returns (uint256 amount) {
        return _withdrawStake(msg.sender, 0);
    }

    /// @inheritdoc IIdentityRegistry
    function withdrawStakeFor(StakeWithdrawal calldata withdrawal, bytes calldata signature)
        external
        nonReentrant
        returns (uint256 amount)
    {
        address identity = withdrawal.identity;
        // Check, Effect: signed by the identity, for one use. Then as if it called itself.
        bytes32 structHash = Documents.hashStakeWithdrawal(withdrawal);
        _useSignature(identity, withdrawal.nonce, withdrawal.deadline, structHash, signature);
        return _withdrawStake(identity, withdrawal.relayFee);
    }

    /// @inheritdoc IIdentityRegistry
    function depositFor(Deposit calldata deposit, Permit calldata permit, bytes calldata signature)
        external
        nonReentrant
    {
        address consumer = deposit.consumer;
        // Check, Effect: signed by the consumer, for one use.
        bytes32 structHash = Documents.hashDeposit(deposit);
        _useSignature(consumer, deposit.nonce, deposit.deadline, structHash, signature);
        // Interaction: the collateral goes through here to its channel, the fee goes to the relayer.
        _TOKEN.tryPermit(consumer, permit);
        _pullForChannels(consumer, deposit.amount);
        Parties memory parties = Parties(consumer, deposit.hub, deposit.channelNonce);
        IChannelMoney(_CHANNELS).deposit(parties, deposit.amount);
        _payRelayer(consumer, deposit.relayFee);
    }

    /// @inheritdoc IIdentityRegistry
    function repayFor(Repayment calldata repayment, Permit calldata permit, bytes calldata signature)
        external
        nonReentrant
        returns (uint256 taken)
    {
        address consumer = repayment.consumer;
        // Check, Effect: signed by the consumer, for one use.
        bytes32 structHash = Documents.hashRepayment(repayment);
        _useSignature(consumer, repayment.nonce, repayment.deadline, structHash, signature);
        // Interaction: what is missing goes through here, and the fee to the relayer. No more is taken, since the token may
        // refuse to give it back.
        _TOKEN.tryPermit(consumer, permit);
        Parties memory parties = Parties(consumer, repayment.hub, repayment.channelNonce);
        uint256 amount =
            _min(repayment.amount, IChannelViews(_CHANNELS).repayable(parties, repayment.provider));
        if (amount > 0) _pullForChannels(consumer, amount);
        taken = IChannelMoney(_CHANNELS).repay(parties, repayment.provider, amount);
        if (taken < amount) revert AmountTooLarge(amount, taken);
        _payRelayer(consumer, repayment.relayFee);
    }

    /// @inheritdoc IIdentityRegistry
    function setBeneficiary(address beneficiary) external {
        // Check.
        if (_identities[msg.sender].registeredAt == 0) revert NotRegistered(msg.sender);
        // Effect.
        _setBeneficiary(msg.sender, beneficiary);
        emit BeneficiaryChanged(msg.sender, beneficiaryOf(msg.sender));
    }

    /// @inheritdoc IIdentityRegistry
    function setUrl(string calldata url) external {
        // Check.
        if (_identities[msg.sender].registeredAt == 0) revert NotRegistered(msg.sender);
        // Effect.
        _setUrl(msg.sender, url);
        emit UrlChanged(msg.sender, url);
    }

    /// @inheritdoc IIdentityRegistry
    function slash(address identity, uint256 missing, uint256 newlyMissing)
        external
        onlySlasher
        nonReentrant
        returns (uint256 paid)
    {
        Identity storage slashed = _identities[identity];
        Exit storage leaving = _exits[identity];
        uint256 stake = slashed.stake;
        uint256 atStake = stake + leaving.unbonding;
        // Effect: for each token paid for what is newly missing one is burned, else an identity could carry its
        // stake away by slashing itself; an odd one left is burned too, lest the same call again found it. What was
        // missing before was punished then.
        paid = _min(newlyMissing, atStake / 2);
        uint256 penalty = newlyMissing > paid ? atStake - paid : paid;
        paid += _min(missing - newlyMissing, atStake - paid - penalty);
        uint256 taken = paid + penalty;
        if (taken > stake) {
            slashed.stake = 0;
            leaving.unbonding -= SafeCast.toUint128(taken - stake);
            if (taken == atStake) leaving.unbondsAt = 0;
        } else {
            slashed.stake = SafeCast.toUint128(stake - taken);
        }
        if (penalty > 0) _burned += penalty;
        uint32 faults = slashed.faults;
        if (newlyMissing > 0) slashed.faults = ++faults;
        if (newlyMissing > 0 || paid > 0) emit Slashed(identity, msg.sender, paid, penalty, faults);
        // Interaction.
        if (paid > 0) _TOKEN.safeTransfer(msg.sender, paid);
    }

    /// @inheritdoc IIdentityRegistry
    function changeDebt(address identity, uint256 before, uint256 afterwards) external onlySlasher {
        // Effect.
        uint256 debt = _debts[identity] - before + afterwards;
        _debts[identity] = debt;
        if (_identities[identity].indebted != (debt > 0)) _identities[identity].indebted = debt > 0;
        emit DebtChanged(identity, debt);
    }

    /// @inheritdoc IIdentityRegistry
    function standingOf(address identity) public view returns (Standing memory) {
        Identity memory known = _identities[identity];
        Exit memory leaving = _exits[identity];
        return Standing({
            roles: known.roles,
            activeRoles: _activeRoles(known),
            stake: known.stake,
            unbonding: leaving.unbonding,
            unbondsAt: leaving.unbondsAt,
            faults: known.faults,
            debt: _debts[identity],
            registeredAt: known.registeredAt,
            beneficiary: beneficiaryOf(identity),
            nonce: known.nonce,
            url: _urls[identity]
        });
    }

    /// @inheritdoc IIdentityRegistry
    function standingsOf(address[] calldata identities) external view returns (Standing[] memory standings) {
        standings = new Standing[](identities.length);
        for (uint256 i = 0; i < identities.length; ++i) {
            standings[i] = standingOf(identities[i]);
        }
    }

    /// @inheritdoc IIdentityRegistry
    function isActive(address identity, uint8 roles) public view returns (bool) {
        Identity memory known = _identities[identity];
        return
            roles != 0 && known.roles & roles == roles && known.stake >= minimumStake(roles)
                && !known.indebted;
    }

    /// @inheritdoc IIdentityRegistry
    function areActive(address consumer, address hub)
        external
        view
        returns (bool consumerActive, bool hubActive)
    {
        return (isActive(consumer, CONSUMER), isActive(hub, HUB));
    }

    /// @inheritdoc IIdentityRegistry
    function beneficiaryOf(address identity) public view returns (address) {
        address beneficiary = _beneficiaries[identity];
        return beneficiary == address(0) ? identity : beneficiary;
    }

    /// @inheritdoc IIdentityRegistry
    function securityOf(address identity) external view returns (uint128 stake, uint32 faults, uint256 debt) {
        Identity memory known = _identities[identity];
        return (known.stake + _exits[identity].unbonding, known.faults, _debts[identity]);
    }

    /// @inheritdoc IIdentityRegistry
    function debtOf(address identity) external view returns (uint256) {
        return _debts[identity];
    }

    /// @inheritdoc IIdentityRegistry
    function burned() external view returns (uint256) {
        return _burned;
    }

    /// @inheritdoc IIdentityRegistry
    function minimumStake(uint8 roles) public view returns (uint256 minimum) {
        if (roles & CONSUMER != 0) minimum = _CONSUMER_STAKE;
        if (roles & PROVIDER != 0 && _PROVIDER_STAKE > minimum) minimum = _PROVIDER_STAKE;
        if (roles & HUB != 0 && _HUB_STAKE > minimum) minimum = _HUB_STAKE;
    }

    /// @inheritdoc IIdentityRegistry
    function token() external view returns (address) {
        return address(_TOKEN);
    }

    /// @inheritdoc IIdentityRegistry
    function channels() external view returns (address) {
        return _CHANNELS;
    }

    /// @inheritdoc IIdentityRegistry
    function marketplace() external view returns (address) {
        return _MARKETPLACE;
    }

    /// @inheritdoc IIdentityRegistry
    function unbondingDelay() external view returns (uint64) {
        return _UNBONDING_DELAY;
    }

    /// @dev What was signed is good in time, once, and for the nonce that its signer has now.
    function _useSignature(
        address identity,
        uint256 nonce,
        uint64 deadline,
        bytes32 structHash,
        bytes calldata signature
    ) private {
        // Check.
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
        uint40 expected = _identities[identity].nonce;
        if (nonce != expected) revert WrongNonce(identity, nonce, expected);
        if (!signature.isBy(identity, _digest(structHash))) revert WrongSigner(identity);
        // Effect.
        _identities[identity].nonce = expected + 1;
    }

    function _payRelayer(address identity, uint256 relayFee) private {
        if (relayFee > 0) _TOKEN.safeTransferFrom(identity, msg.sender, relayFee);
    }

    /// @dev PaymentChannels takes from whoever calls it, so it is given leave to take these from here.
    function _pullForChannels(address from, uint256 amount) private {
        _TOKEN.pull(from, amount);
        _TOKEN.forceApprove(_CHANNELS, amount);
    }

    function _requestUnbonding(address account, uint256 amount) private {
        Identity storage identity = _identities[account];
        // Check: what stays suffices for the roles, or nothing stays. Whoever means everything says so, since a stranger
        // may add a unit at any moment.
        uint256 stake = identity.stake;
        if (amount == type(uint256).max) amount = stake;
        if (amount == 0) revert ZeroAmount();
        if (amount > stake) revert AmountTooLarge(amount, stake);
        uint256 rest = stake - amount;
        uint256 minimum = minimumStake(identity.roles);
        if (rest > 0 && rest < minimum) revert StakeBelowMinimum(account, rest, minimum);
        // Effect: the delay starts again for all that is unbonding.
        if (rest == 0) identity.roles = 0;
        identity.stake = SafeCast.toUint128(rest);
        Exit storage leaving = _exits[account];
        uint128 unbonding = leaving.unbonding + SafeCast.toUint128(amount);
        uint64 unbondsAt = uint64(block.timestamp) + _UNBONDING_DELAY;
        leaving.unbonding = unbonding;
        leaving.unbondsAt = unbondsAt;
        emit UnbondingRequested(account, amount, unbonding, unbondsAt);
    }

    function _cancelUnbonding(address account) private {
        // Check.
        uint128 amount = _exits[account].unbonding;
        if (amount == 0) revert NothingUnbonding(account);
        // Effect.
        delete _exits[account];
        _identities[account].stake += amount;
        emit UnbondingCancelled(account, amount);
    }

    /// @param relayFee What of it the caller is paid.
    function _withdrawStake(address account, uint256 relayFee) private returns (uint256 amount) {
        Exit memory leaving = _exits[account];
        // Check: the delay is over, and nobody is owed anything.
        if (leaving.unbonding == 0) revert NothingUnbonding(account);
        if (block.timestamp < leaving.unbondsAt) {
            revert StillUnbonding(account, leaving.unbondsAt, block.timestamp);
        }
        uint256 debt = _debts[account];
        if (debt > 0) revert DebtStands(account, debt);
        amount = leaving.unbonding;
        if (relayFee > amount) revert AmountTooLarge(relayFee, amount);
        // Effect.
        delete _exits[account];
        address to = beneficiaryOf(account);
        emit StakeWithdrawn(account, to, amount - relayFee);
        // Interaction.
        _TOKEN.safeTransfer(to, amount - relayFee);
        if (relayFee > 0) _TOKEN.safeTransfer(msg.sender, relayFee);
    }

    function _register(address account, uint8 roles, uint256 amount, address beneficiary, string memory url)
        private
    {
        Identity storage identity = _identities[account];
        bool newcomer = identity.registeredAt == 0;
        // Check: known roles, and stake enough for all of them.
        uint8 held = identity.roles | roles;
        if (roles & ~ALL_ROLES != 0 || held == 0) revert UnknownRoles(roles);
        uint256 minimum = minimumStake(held);
        uint256 stake = _sum(identity.stake, amount);
        if (stake < minimum) revert StakeBelowMinimum(account, stake, minimum);
        // Effect.
        identity.roles = held;
        if (newcomer) identity.registeredAt = SafeCast.toUint40(block.timestamp);
        if (amount > 0) _setStake(identity, account, amount, stake);
        // A newcomer without either has nothing stored, and reading that would cost too.
        if (beneficiary == address(0)) beneficiary = account;
        if (!newcomer || beneficiary != account) _setBeneficiary(account, beneficiary);
        if (!newcomer || bytes(url).length > 0) _setUrl(account, url);
        emit Registered(account, held, beneficiary, url);
    }

    function _setStake(Identity storage identity, address account, uint256 amount, uint256 stake) private {
        identity.stake = SafeCast.toUint128(stake);
        emit StakeAdded(account, amount, stake);
    }

    /// @dev What is held, with what comes in: both must fit, and their sum.
    function _sum(uint256 held, uint256 amount) private pure returns (uint256 sum) {
        uint256 most = type(uint128).max;
        if (amount > most) revert AmountTooLarge(amount, most);
        sum = held + amount;
        if (sum > most) revert AmountTooLarge(sum, most);
    }

    /// @dev Who is its own beneficiary stores nothing.
    function _setBeneficiary(address account, address beneficiary) private {
        address stored = beneficiary == account ? address(0) : beneficiary;
        if (_beneficiaries[account] != stored) _beneficiaries[account] = stored;
    }

    function _setUrl(address account, string memory url) private {
        if (bytes(url).length > MAXIMUM_URL) revert UrlTooLong(bytes(url).length, MAXIMUM_URL);
        if (bytes(url).length > 0 || bytes(_urls[account]).length > 0) _urls[account] = url;
    }

    function _activeRoles(Identity memory known) private view returns (uint8 active) {
        if (known.indebted) return 0;
        for (uint8 role = CONSUMER; role <= HUB; role <<= 1) {
            if (known.roles & role != 0 && known.stake >= minimumStake(role)) active |= role;
        }
    }

    function _checkSlasher() private view {
        if (msg.sender != _CHANNELS && msg.sender != _MARKETPLACE) revert NotASlasher(msg.sender);
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
