// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice An ERC-2612 approval carried along with a relayed call. A failing one is ignored if the allowance suffices.
struct Permit {
    uint256 value;
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @notice What an identity signs to be registered by somebody else.
/// @param stake Tokens to add to its stake.
/// @param beneficiary Where its income goes; zero means the identity itself.
/// @param relayFee Tokens the relayer may take on top of the stake.
struct Registration {
    address identity;
    uint8 roles;
    uint256 stake;
    address beneficiary;
    string url;
    uint256 relayFee;
    uint256 nonce;
    uint64 deadline;
}

/// @notice What a consumer signs to have collateral added to its channel by somebody else.
/// @param relayFee Tokens the relayer may take on top of the amount.
/// @param nonce As in a Registration: each identity has one, for everything it signs for this contract.
struct Deposit {
    address consumer;
    address hub;
    uint48 channelNonce;
    uint256 amount;
    uint256 relayFee;
    uint256 nonce;
    uint64 deadline;
}

/// @notice What a consumer signs to have somebody else pay, with its tokens, what a promise of its channel lacks.
/// @param amount At most so much; what is not missing stays with the consumer.
/// @param relayFee Tokens the relayer may take on top of the amount.
struct Repayment {
    address consumer;
    address hub;
    uint48 channelNonce;
    address provider;
    uint256 amount;
    uint256 relayFee;
    uint256 nonce;
    uint64 deadline;
}

/// @notice What an identity signs to have somebody else send that its stake shall unbond.
/// @param amount As in `requestUnbonding`; zero puts back what is unbonding.
/// @param relayFee Tokens the relayer may take, from the identity and never from its stake.
struct Unbonding {
    address identity;
    uint256 amount;
    uint256 relayFee;
    uint256 nonce;
    uint64 deadline;
}

/// @notice What an identity signs to have somebody else send that its unbonded stake shall be paid out.
/// @param relayFee Tokens the relayer may take from what is paid out.
struct StakeWithdrawal {
    address identity;
    uint256 relayFee;
    uint256 nonce;
    uint64 deadline;
}

/// @notice All that the chain knows of an identity.
/// @param roles Roles it registered for, as bits: 1 consumer, 2 provider, 4 hub.
/// @param activeRoles Those of them its stake still suffices for, none while a debt stands.
/// @param unbonding Stake on its way out; still slashable.
/// @param unbondsAt When what is unbonding may be withdrawn; zero when nothing is.
/// @param faults How often its stake was slashed; never falls.
/// @param debt What its stake did not cover, over all claims.
/// @param nonce The nonce that the next document it signs for this contract must carry.
struct Standing {
    uint8 roles;
    uint8 activeRoles;
    uint128 stake;
    uint128 unbonding;
    uint64 unbondsAt;
    uint32 faults;
    uint256 debt;
    uint64 registeredAt;
    address beneficiary;
    uint256 nonce;
    string url;
}

/// @title Stake and standing of every identity.
/// @notice One stake backs all roles of an identity. Only PaymentChannels and Marketplace may slash.
interface IIdentityRegistry {
    /// @notice An identity took on roles. `roles` holds all it has now.
    event Registered(address indexed identity, uint8 roles, address beneficiary, string url);
    /// @notice What an identity signed for others to send here is good no more; `nonce` is its next.
    event SignaturesCancelled(address indexed identity, uint256 nonce);
    /// @notice Tokens were added to a stake, which is now `stake`.
    event StakeAdded(address indexed identity, uint256 amount, uint256 stake);
    /// @notice Part of a stake began to unbond; `unbonding` in all may leave at `unbondsAt`.
    event UnbondingRequested(address indexed identity, uint256 amount, uint256 unbonding, uint64 unbondsAt);
    /// @notice What was unbonding went back into the stake.
    event UnbondingCancelled(address indexed identity, uint256 amount);
    /// @notice Unbonded stake left.
    event StakeWithdrawn(address indexed identity, address indexed to, uint256 amount);
    /// @notice Income of an identity goes elsewhere from now on.
    event BeneficiaryChanged(address indexed identity, address beneficiary);
    /// @notice An identity is reached elsewhere from now on.
    event UrlChanged(address indexed identity, string url);
    /// @notice Stake was taken: `paid` to who was wronged, `burned` for ever.
    event Slashed(address indexed identity, address indexed by, uint256 paid, uint256 burned, uint32 faults);
    /// @notice The sum of what is missing on all claims against an identity changed.
    event DebtChanged(address indexed identity, uint256 debt);

    /// @notice Only PaymentChannels and Marketplace speak of failures.
    error NotASlasher(address caller);
    /// @notice Roles are 1 (consumer), 2 (provider), 4 (hub) and their sums; nobody registers for none.
    error UnknownRoles(uint8 roles);
    /// @notice So much stake does not suffice for the roles.
    error StakeBelowMinimum(address identity, uint256 stake, uint256 minimum);
    /// @notice This identity never registered.
    error NotRegistered(address identity);
    /// @notice What was signed was good until `deadline`.
    error SignatureExpired(uint64 deadline, uint256 blockTime);
    /// @notice The signature is not that of `expected` over what was sent.
    error WrongSigner(address expected);
    /// @notice What is signed for this contract is good once, and for the nonce `expected`.
    error WrongNonce(address identity, uint256 nonce, uint256 expected);
    /// @notice A url has at most `maximum` bytes.
    error UrlTooLong(uint256 length, uint256 maximum);
    /// @notice Amounts, and what the contract holds in all, fit `maximum`.
    error AmountTooLarge(uint256 amount, uint256 maximum);
    /// @notice The token delivered less than it was asked for: one that keeps a fee cannot be paid in.
    error TokensMissing(uint256 received, uint256 expected);
    /// @notice Nothing of this stake is on its way out.
    error NothingUnbonding(address identity);
    /// @notice What is unbonding may leave at `unbondsAt`.
    error StillUnbonding(address identity, uint64 unbondsAt, uint256 blockTime);
    /// @notice Whoever owes takes nothing out.
    error DebtStands(address identity, uint256 debt);
    /// @notice An amount of zero moves nothing.
    error ZeroAmount();

    /// @notice Registers the caller in further roles, adds to its stake, and sets beneficiary and url.
    /// @param roles Bits to add: 1 consumer, 2 provider, 4 hub. Zero is allowed for who has one already.
    /// @param stake Tokens to add; may be zero if the stake suffices.
    /// @param beneficiary Where its income goes; zero means the identity itself.
    /// @param url Where it is reached; at most 256 bytes.
    function register(uint8 roles, uint256 stake, address beneficiary, string calldata url) external;

    /// @notice The same for an identity without gas. The caller receives `relayFee`.
    /// @param registration What the identity signed (EIP-712, domain of this contract).
    /// @param permit ERC-2612 approval for stake and fee; ignored if it fails and the allowance suffices.
    /// @param signature The identity's signature over `registration` (ERC-1271 accepted).
    function registerFor(Registration calldata registration, Permit calldata permit, bytes calldata signature)
        external;

    /// @notice Registers the caller as a consumer and opens its channel with a hub in one transaction, which costs a
    /// newcomer about a fifth less than two.
    /// @param stake Tokens to add to its stake (approved for this contract).
    /// @param amount Collateral of the channel (approved for PaymentChannels).
    function registerAndOpen(uint256 stake, address hub, uint48 nonce, uint256 amount)
        external
        returns (bytes32 channelId);

    /// @notice Takes back everything that the caller signed for this contract and nobody sent yet.
    function cancelSignatures() external;

    /// @notice Adds to the stake of an identity; anyone may.
    function addStake(address identity, uint256 amount) external;

    /// @notice Starts to unbond part of the caller's stake. The delay starts again for what is unbonding already.
    /// What stays must suffice for the caller's roles, or be nothing: then it leaves all roles.
    /// @param amount The largest value there is (2^256 − 1) means everything.
    function requestUnbonding(uint256 amount) external;

    /// @notice Puts what is unbonding back into the caller's stake. Roles left are not taken up again.
    function cancelUnbonding() external;

    /// @notice Pays out what has unbonded to the caller's beneficiary. Refused while a debt stands.
    function withdrawStake() external returns (uint256 amount);

    /// @notice Adds collateral to an open channel of a consumer without gas. The caller receives `relayFee`.
    /// @param deposit What the consumer signed (EIP-712, domain of this contract).
    /// @param permit ERC-2612 approval for amount and fee; ignored if it fails and the allowance suffices.
    /// @param signature The consumer's, over `deposit` (ERC-1271 accepted).
    function depositFor(Deposit calldata deposit, Permit calldata permit, bytes calldata signature) external;

    /// @notice Pays what a promise lacks with the tokens of a consumer without gas. The caller receives `relayFee`.
    /// @return taken What was paid; the rest of the amount stays with the consumer.
    function repayFor(Repayment calldata repayment, Permit calldata permit, bytes calldata signature)
        external
        returns (uint256 taken);

    /// @notice As `requestUnbonding`, or `cancelUnbonding` for an amount of zero, by an identity without gas. The caller
    /// receives `relayFee`, which comes from the identity's tokens: a fee out of the stake would be a way past the delay.
    function requestUnbondingFor(
        Unbonding calldata unbonding,
        Permit calldata permit,
        bytes calldata signature
    ) external;

    /// @notice As `withdrawStake`, by an identity without gas. The caller receives `relayFee` out of what is paid.
    /// @return amount What left, the fee included.
    function withdrawStakeFor(StakeWithdrawal calldata withdrawal, bytes calldata signature)
        external
        returns (uint256 amount);

    /// @notice Sends the caller's income elsewhere; zero means to itself.
    function setBeneficiary(address beneficiary) external;

    /// @notice Changes where the caller is reached.
    function setUrl(string calldata url) external;

    /// @notice Takes stake for a promise that was not honoured and hands it to the calling contract.
    /// @dev For what is newly missing, as much as is paid is burned too, so at most half the stake is paid: an
    /// identity that slashes itself to a friend loses one token for each it carries away. What was missing
    /// before was punished then, and is paid without penalty.
    /// @param missing What the claim lacks now.
    /// @param newlyMissing The part of it that was not missing before; a fault if it is not zero.
    /// @return paid Tokens sent to the caller.
    function slash(address identity, uint256 missing, uint256 newlyMissing) external returns (uint256 paid);

    /// @notice Replaces one claim's part in an identity's debt.
    function changeDebt(address identity, uint256 before, uint256 afterwards) external;

    /// @notice All that the chain knows of an identity.
    function standingOf(address identity) external view returns (Standing memory);

    /// @notice The same for many.
    function standingsOf(address[] calldata identities) external view returns (Standing[] memory);

    /// @notice Whether an identity has these roles, at least one, stake enough for them, and no debt.
    function isActive(address identity, uint8 roles) external view returns (bool);

    /// @notice The same for the two parties of a channel in one call.
    function areActive(address consumer, address hub)
        external
        view
        returns (bool consumerActive, bool hubActive);

    /// @notice Where income of an identity goes: itself unless it said otherwise.
    function beneficiaryOf(address identity) external view returns (address);

    /// @notice What stands behind an identity, unbonding stake included, and what stands against it.
    function securityOf(address identity) external view returns (uint128 stake, uint32 faults, uint256 debt);

    /// @notice What is missing on all claims against an identity.
    function debtOf(address identity) external view returns (uint256);

    /// @notice Stake that was burned: it stays in this contract for ever, and belongs to nobody.
    function burned() external view returns (uint256);

    /// @notice Stake needed for these roles: that of the dearest.
    function minimumStake(uint8 roles) external view returns (uint256);

    /// @notice The ERC-20 of this deployment.
    function token() external view returns (address);

    /// @notice The PaymentChannels of this deployment.
    function channels() external view returns (address);

    /// @notice The Marketplace of this deployment.
    function marketplace() external view returns (address);

    /// @notice Seconds until stake that unbonds may leave.
    function unbondingDelay() external view returns (uint64);
}
