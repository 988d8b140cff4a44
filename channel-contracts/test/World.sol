// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IdentityRegistry, MinimumStakes} from "../src/IdentityRegistry.sol";
import {Marketplace} from "../src/Marketplace.sol";
import {PaymentChannels} from "../src/PaymentChannels.sol";
import {TestToken} from "../src/TestToken.sol";
import {
    Deposit,
    Permit,
    Registration,
    Repayment,
    StakeWithdrawal,
    Unbonding
} from "../src/interfaces/IIdentityRegistry.sol";
import {MarketSettings, Proposal, SessionTerms} from "../src/interfaces/IMarketplace.sol";
import {
    AccountView,
    ChannelSettings,
    ChannelView,
    Draw,
    FinalState,
    IPaymentChannels,
    Opening,
    Parties,
    Payment,
    Redemption,
    SignedRelease,
    Slip,
    TabView,
    Total
} from "../src/interfaces/IPaymentChannels.sol";
import {Test} from "./Vm.sol";

/// @notice What an owner signs to have its withheld money sent somewhere.
struct Collection {
    address owner;
    address to;
    uint256 relayFee;
    uint256 nonce;
    uint64 deadline;
}

/// @notice A deployment with a few people in it, and their pens.
abstract contract World is Test {
    uint256 internal constant WHOLE = 1e18;
    uint256 internal constant START = 1_800_000_000;
    uint64 internal constant MAX_GUARANTEE = 6 hours;
    uint64 internal constant PROTEST_WINDOW = 24 hours;
    uint64 internal constant EXIT_DELAY = 54 hours;
    uint64 internal constant WITHDRAWAL_DELAY = 48 hours;
    uint64 internal constant FEE_NOTICE = 54 hours;
    uint64 internal constant UNBONDING = 7 days;
    uint64 internal constant RAISE_NOTICE = 1 hours;
    uint16 internal constant FEE_CAP = 2_000;
    uint16 internal constant DEFAULT_FEE = 200;
    uint256 internal constant PENALTY = 5 * WHOLE;
    uint256 internal constant SUPPLY = 1_000_000_000 * WHOLE;

    uint8 internal constant CONSUMER = 1;
    uint8 internal constant PROVIDER = 2;
    uint8 internal constant HUB = 4;

    TestToken internal token;
    IdentityRegistry internal registry;
    IPaymentChannels internal channels;
    Marketplace internal marketplace;

    uint256 internal consumerKey = _keyOf("consumer");
    uint256 internal hubKey = _keyOf("hub");
    uint256 internal providerKey = _keyOf("provider");
    uint256 internal relayerKey = _keyOf("relayer");
    address internal consumer;
    address internal hub;
    address internal provider;
    address internal relayer;

    mapping(address => uint256) internal keys;
    bytes32[] internal knownChannels;
    address[] internal knownHubs;
    address[] internal knownProviders;
    address[] internal knownIdentities;
    /// @dev Whose money the token may have refused to pay out.
    address[] internal knownOwners;

    function setUp() public virtual {
        vm.warp(START);
        _deploy(IERC20(address(0)));
        consumer = _enter("consumer", CONSUMER, 10 * WHOLE);
        hub = _enter("hub", HUB, 2_000 * WHOLE);
        provider = _enter("provider", PROVIDER, 100 * WHOLE);
        relayer = _account("relayer");
    }

    // ------------------------------------------------------------- deployment

    function _minimums() internal pure returns (MinimumStakes memory) {
        return MinimumStakes(uint128(WHOLE), uint128(50 * WHOLE), uint128(1_000 * WHOLE));
    }

    function _settings() internal pure returns (ChannelSettings memory) {
        return ChannelSettings({
            maxGuarantee: MAX_GUARANTEE,
            protestWindow: PROTEST_WINDOW,
            exitDelay: EXIT_DELAY,
            withdrawalDelay: WITHDRAWAL_DELAY,
            feeNotice: FEE_NOTICE,
            feeCapBps: FEE_CAP,
            defaultFeeBps: DEFAULT_FEE
        });
    }

    function _marketSettings() internal pure returns (MarketSettings memory) {
        return MarketSettings(1_000, RAISE_NOTICE, PENALTY);
    }

    /// @param other A token to use instead of the test token.
    function _deploy(IERC20 other) internal {
        if (address(other) == address(0)) {
            token = new TestToken(SUPPLY);
            other = token;
        } else {
            token = TestToken(address(other));
        }
        uint256 nonce = vm.getNonce(address(this));
        registry = new IdentityRegistry(
            other,
            vm.computeCreateAddress(address(this), nonce + 1),
            vm.computeCreateAddress(address(this), nonce + 2),
            UNBONDING,
            _minimums()
        );
        channels = IPaymentChannels(address(new PaymentChannels(registry, _settings())));
        marketplace = new Marketplace(registry, _marketSettings());
    }

    // ----------------------------------------------------------------- people

    function _keyOf(string memory name) internal pure returns (uint256) {
        return uint256(keccak256(bytes(string.concat("pontage ", name))));
    }

    /// @notice An account with tokens and approvals, registered nowhere.
    function _account(string memory name) internal returns (address account) {
        account = vm.addr(_keyOf(name));
        keys[account] = _keyOf(name);
        vm.label(account, name);
        token.transfer(account, 100_000 * WHOLE);
        _approve(account);
    }

    function _approve(address account) internal {
        vm.startPrank(account);
        token.approve(address(registry), type(uint256).max);
        token.approve(address(channels), type(uint256).max);
        vm.stopPrank();
    }

    /// @notice An account that is registered in these roles with this stake.
    function _enter(string memory name, uint8 roles, uint256 stake) internal returns (address account) {
        account = _account(name);
        vm.prank(account);
        registry.register(roles, stake, address(0), "");
        knownIdentities.push(account);
        if (roles & HUB != 0) knownHubs.push(account);
        if (roles & PROVIDER != 0) knownProviders.push(account);
    }

    // --------------------------------------------------------------- channels

    function _parties(uint48 nonce) internal view returns (Parties memory) {
        return Parties(consumer, hub, nonce);
    }

    function _open(uint48 nonce, uint256 amount) internal returns (Parties memory) {
        return _openBetween(consumer, hub, nonce, amount);
    }

    function _openBetween(address from, address with, uint48 nonce, uint256 amount)
        internal
        returns (Parties memory parties)
    {
        vm.prank(from);
        knownChannels.push(channels.open(with, nonce, amount));
        return Parties(from, with, nonce);
    }

    function _fund(uint256 amount) internal {
        vm.prank(hub);
        channels.fund(hub, amount);
    }

    function _id(Parties memory parties) internal view returns (bytes32) {
        return channels.channelIdOf(parties);
    }

    function _balance(Parties memory parties) internal view returns (uint256) {
        return channels.channelOf(_id(parties)).balance;
    }

    function _tab(Parties memory parties, address who) internal view returns (TabView memory) {
        return channels.tabOf(_id(parties), who);
    }

    function _pool() internal view returns (uint256) {
        return channels.hubOf(hub).pool;
    }

    // ------------------------------------------------------------------- pens

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _digest(address verifier, bytes32 structHash) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Pontage"),
                keccak256("1"),
                block.chainid,
                verifier
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function _signPromise(Parties memory parties, address to, uint256 amount)
        internal
        view
        returns (bytes memory)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("MicroPromise(bytes32 channelId,address provider,uint256 amount)"),
                _id(parties),
                to,
                amount
            )
        );
        return _sign(keys[parties.consumer], _digest(address(channels), structHash));
    }

    function _signGuarantee(Parties memory parties, address to, uint256 ceiling, uint64 expiresAt)
        internal
        view
        returns (bytes memory)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Guarantee(bytes32 channelId,address provider,uint256 ceiling,uint64 expiresAt)"),
                _id(parties),
                to,
                ceiling,
                expiresAt
            )
        );
        return _sign(keys[parties.hub], _digest(address(channels), structHash));
    }

    function _signHubPromise(address by, address to, uint256 total) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(keccak256("HubPromise(address hub,address provider,uint256 total)"), by, to, total)
        );
        return _sign(keys[by], _digest(address(channels), structHash));
    }

    function _signRelease(Parties memory parties, address by, uint256 amount, uint64 upTo)
        internal
        view
        returns (SignedRelease memory)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Release(address provider,bytes32 channelId,uint256 amount,uint64 upTo)"),
                by,
                _id(parties),
                amount,
                upTo
            )
        );
        return SignedRelease(by, amount, upTo, _sign(keys[by], _digest(address(channels), structHash)));
    }

    function _signExit(Parties memory parties, uint256 relayFee, uint64 deadline)
        internal
        view
        returns (bytes memory)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("ExitRequest(bytes32 channelId,uint256 relayFee,uint64 deadline)"),
                _id(parties),
                relayFee,
                deadline
            )
        );
        return _sign(keys[parties.consumer], _digest(address(channels), structHash));
    }

    function _signOpening(Opening memory opening) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Opening(address consumer,address hub,uint48 channelNonce,uint256 amount,uint256 relayFee,uint64 deadline)"
                ),
                opening
            )
        );
        return _sign(keys[opening.consumer], _digest(address(channels), structHash));
    }

    function _signRegistration(Registration memory registration) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Registration(address identity,uint8 roles,uint256 stake,address beneficiary,string url,uint256 relayFee,uint256 nonce,uint64 deadline)"
                ),
                registration.identity,
                registration.roles,
                registration.stake,
                registration.beneficiary,
                keccak256(bytes(registration.url)),
                registration.relayFee,
                registration.nonce,
                registration.deadline
            )
        );
        return _sign(keys[registration.identity], _digest(address(registry), structHash));
    }

    function _signDeposit(Deposit memory deposit) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Deposit(address consumer,address hub,uint48 channelNonce,uint256 amount,uint256 relayFee,uint256 nonce,uint64 deadline)"
                ),
                deposit
            )
        );
        return _sign(keys[deposit.consumer], _digest(address(registry), structHash));
    }

    function _signRepayment(Repayment memory repayment) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Repayment(address consumer,address hub,uint48 channelNonce,address provider,uint256 amount,uint256 relayFee,uint256 nonce,uint64 deadline)"
                ),
                repayment
            )
        );
        return _sign(keys[repayment.consumer], _digest(address(registry), structHash));
    }

    function _signUnbonding(Unbonding memory unbonding) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Unbonding(address identity,uint256 amount,uint256 relayFee,uint256 nonce,uint64 deadline)"
                ),
                unbonding
            )
        );
        return _sign(keys[unbonding.identity], _digest(address(registry), structHash));
    }

    function _signWithdrawal(StakeWithdrawal memory withdrawal) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("StakeWithdrawal(address identity,uint256 relayFee,uint256 nonce,uint64 deadline)"),
                withdrawal
            )
        );
        return _sign(keys[withdrawal.identity], _digest(address(registry), structHash));
    }

    function _signCollection(Collection memory collection) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Collection(address owner,address to,uint256 relayFee,uint256 nonce,uint64 deadline)"
                ),
                collection
            )
        );
        return _sign(keys[collection.owner], _digest(address(channels), structHash));
    }

    /// @notice The owner itself sends what was withheld to `to`.
    function _collect(address owner, address to) internal returns (uint256) {
        vm.prank(owner);
        return channels.collectWithheld(owner, to, 0, 0, "");
    }

    function _withheldOf(address owner) internal view returns (uint256 amount) {
        (amount,) = channels.withheldOf(owner);
    }

    function _signTerms(SessionTerms memory terms) internal view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "SessionTerms(address provider,address consumer,bytes32 channelId,uint256 pricePerMegabyte,uint256 pricePerHour,uint256 creditBytes,uint64 issuedAt,uint64 validUntil)"
                ),
                terms
            )
        );
        return _sign(keys[terms.provider], _digest(address(marketplace), structHash));
    }

    function _signProposal(Proposal memory proposal) internal view returns (bytes memory) {
        bytes memory head = abi.encode(
            keccak256(
                "Proposal(address provider,string service,uint256 pricePerMegabyte,uint256 pricePerHour,string country,string endpoint,bytes32 wireguardKey,bytes32 certificate,string exitPolicy,address[] hubs,uint64 issuedAt)"
            ),
            proposal.provider,
            keccak256(bytes(proposal.service)),
            proposal.pricePerMegabyte,
            proposal.pricePerHour,
            keccak256(bytes(proposal.country)),
            keccak256(bytes(proposal.endpoint))
        );
        bytes memory tail = abi.encode(
            proposal.wireguardKey,
            proposal.certificate,
            keccak256(bytes(proposal.exitPolicy)),
            keccak256(abi.encodePacked(proposal.hubs)),
            uint256(proposal.issuedAt)
        );
        return
            _sign(keys[proposal.provider], _digest(address(marketplace), keccak256(bytes.concat(head, tail))));
    }

    function _signPermit(address owner, address spender, uint256 value, uint64 deadline)
        internal
        view
        returns (Permit memory)
    {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
                ),
                owner,
                spender,
                value,
                token.nonces(owner),
                deadline
            )
        );
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(keys[owner], keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), structHash)));
        return Permit(value, deadline, v, r, s);
    }

    function _noPermit() internal pure returns (Permit memory permit) {}

    // ----------------------------------------------------------------- orders

    /// @notice A draw that only the hub may submit.
    function _hubDraw(Parties memory parties, address to, uint256 amount)
        internal
        view
        returns (Draw memory)
    {
        return Draw(parties, to, amount, _signPromise(parties, to, amount), 0, 0, "");
    }

    /// @notice A draw under a guarantee that lives for another hour.
    function _guaranteed(Parties memory parties, address to, uint256 amount, uint256 ceiling)
        internal
        view
        returns (Draw memory)
    {
        return _guaranteedUntil(parties, to, amount, ceiling, uint64(block.timestamp) + 1 hours);
    }

    function _guaranteedUntil(
        Parties memory parties,
        address to,
        uint256 amount,
        uint256 ceiling,
        uint64 expiresAt
    ) internal view returns (Draw memory) {
        return Draw(
            parties,
            to,
            amount,
            _signPromise(parties, to, amount),
            ceiling,
            expiresAt,
            _signGuarantee(parties, to, ceiling, expiresAt)
        );
    }

    function _promised(address by, address to, uint256 total) internal view returns (Redemption memory) {
        return Redemption(by, to, total, _signHubPromise(by, to, total));
    }

    /// @notice A redemption of what waits only.
    function _waiting(address by, address to) internal pure returns (Redemption memory) {
        return Redemption(by, to, 0, "");
    }

    /// @notice A promise as its hub draws it in a batch.
    function _slip(Parties memory parties, address to, uint256 amount) internal view returns (Slip memory) {
        (bytes32 r, bytes32 vs) = _short(_signPromise(parties, to, amount));
        return Slip(parties.consumer, parties.nonce, amount, r, vs);
    }

    /// @notice A hub promise as it is redeemed among many.
    function _payment(address by, address to, uint256 total) internal view returns (Payment memory) {
        if (total == 0) return Payment(to, 0, 0, 0);
        (bytes32 r, bytes32 vs) = _short(_signHubPromise(by, to, total));
        return Payment(to, total, r, vs);
    }

    /// @dev ERC-2098.
    function _short(bytes memory signature) internal pure returns (bytes32 r, bytes32 vs) {
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            vs := or(mload(add(signature, 0x40)), shl(255, eq(byte(0, mload(add(signature, 0x60))), 28)))
        }
    }

    function _drawByHub(Parties memory parties, address to, uint256 amount) internal returns (uint256) {
        Draw memory order = _hubDraw(parties, to, amount);
        vm.prank(parties.hub);
        return channels.draw(order);
    }

    function _drawGuaranteed(Parties memory parties, address to, uint256 amount) internal returns (uint256) {
        Draw memory order = _guaranteed(parties, to, amount, amount);
        return channels.draw(order);
    }

    function _redeem(address by, address to, uint256 total) internal returns (uint256) {
        return channels.redeem(_promised(by, to, total));
    }

    function _protest(Parties memory parties, address to, uint256 amount) internal {
        channels.protest(parties, to, amount, _signPromise(parties, to, amount));
    }

    // ------------------------------------------------------------ conclusions

    function _final(Parties memory parties) internal pure returns (FinalState memory state) {
        state.parties = parties;
        state.turnNum = 2;
        state.challengeDuration = 86_400;
    }

    /// @notice A final state in which one provider gets so much, with its release if `upTo` is not zero.
    function _finalWith(Parties memory parties, address to, uint256 amount, uint64 upTo)
        internal
        view
        returns (FinalState memory state)
    {
        state = _final(parties);
        state.totals = new Total[](1);
        state.totals[0] = Total(to, amount);
        if (upTo > 0) {
            state.releases = new SignedRelease[](1);
            state.releases[0] = _signRelease(parties, to, amount, upTo);
        }
    }

    /// @notice The library's hash of a final state, built by plain nested encoding.
    function _stateDigest(FinalState memory state, address holder) internal view returns (bytes32) {
        bytes memory releases = abi.encode(uint256(0x20), state.releases.length);
        for (uint256 i = 0; i < state.releases.length; ++i) {
            SignedRelease memory release = state.releases[i];
            releases = abi.encodePacked(releases, abi.encode(release.provider, release.amount, release.upTo));
        }
        bytes memory appData = abi.encode(state.totals, keccak256(releases));
        bytes memory items = abi.encode(
            uint256(0x20), uint256(1), bytes32(uint256(uint160(state.parties.consumer))), type(uint256).max
        );
        bytes memory content = abi.encode(uint256(0x20), uint256(0), uint256(0x40), items.length);
        content = abi.encodePacked(content, items);
        bytes memory outcome =
            abi.encode(uint256(0x20), uint256(1), uint256(0x20), holder, uint256(0x40), content.length);
        outcome = abi.encodePacked(outcome, content);
        bytes32 stateHash = keccak256(
            abi.encode(
                state.turnNum,
                true,
                _id(state.parties),
                keccak256(abi.encode(state.challengeDuration, holder, appData)),
                keccak256(abi.encode(outcome))
            )
        );
        return keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", stateHash));
    }

    function _conclude(FinalState memory state) internal returns (uint256) {
        bytes32 digest = _stateDigest(state, address(channels));
        return channels.conclude(
            state, _sign(keys[state.parties.consumer], digest), _sign(keys[state.parties.hub], digest)
        );
    }

    /// @dev A refusal by one of our own errors is ordinary; a panic, a plain revert or a token error is a fault.
    function _try(address target, bytes memory data) internal returns (bool ok, bytes4 problem) {
        bytes memory answer;
        (ok, answer) = target.call(data);
        if (ok) return (true, 0);
        problem = answer.length >= 4 ? bytes4(answer) : bytes4(0);
        assertTrue(
            problem != 0 && problem != 0x4e487b71 && problem != 0x08c379a0
                && problem != bytes4(keccak256("SafeCastOverflowedUintDowncast(uint8,uint256)"))
                && problem != bytes4(keccak256("ERC20InsufficientBalance(address,uint256,uint256)")),
            "I3: only refusals, no panic"
        );
    }

    // ------------------------------------------------------------------ sums

    /// @notice I1 and I2 of the README.
    function _assertConserved() internal view {
        uint256 held;
        for (uint256 i = 0; i < knownChannels.length; ++i) {
            held += channels.channelOf(knownChannels[i]).balance;
        }
        for (uint256 i = 0; i < knownHubs.length; ++i) {
            held += channels.hubOf(knownHubs[i]).pool;
            for (uint256 j = 0; j < knownProviders.length; ++j) {
                AccountView memory account = channels.accountOf(knownHubs[i], knownProviders[j]);
                if (account.credited > account.paid) held += account.credited - account.paid;
            }
        }
        for (uint256 i = 0; i < knownOwners.length; ++i) {
            held += _withheldOf(knownOwners[i]);
        }
        assertEq(token.balanceOf(address(channels)), held, "I1: what PaymentChannels holds");
        uint256 staked;
        for (uint256 i = 0; i < knownIdentities.length; ++i) {
            (uint128 stake,,) = registry.securityOf(knownIdentities[i]);
            staked += stake;
        }
        assertEq(
            token.balanceOf(address(registry)), staked + registry.burned(), "I2: what IdentityRegistry holds"
        );
    }
}
