// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {
    Deposit,
    IIdentityRegistry,
    Registration,
    Unbonding
} from "../../src/interfaces/IIdentityRegistry.sol";
import {Proposal} from "../../src/interfaces/IMarketplace.sol";
import {
    Draw,
    FinalState,
    Parties,
    Redemption,
    SignedRelease
} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

/// @notice Accepts what its owner's key signed (ERC-1271).
contract ContractWallet {
    address private immutable _OWNER;

    constructor(address owner) {
        _OWNER = owner;
    }

    function run(address target, bytes calldata data) external {
        (bool ok, bytes memory answer) = target.call(data);
        require(ok, string(answer));
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (bytes32 r, bytes32 s) = (bytes32(signature[:32]), bytes32(signature[32:64]));
        bool valid = ecrecover(digest, uint8(signature[64]), r, s) == _OWNER;
        return valid ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}

contract ContractWalletsTest is World {
    ContractWallet private wallet;

    function setUp() public override {
        super.setUp();
        wallet = new ContractWallet(relayer);
        token.transfer(address(wallet), 1_000 * WHOLE);
        wallet.run(address(token), abi.encodeCall(token.approve, (address(registry), type(uint256).max)));
        wallet.run(address(token), abi.encodeCall(token.approve, (address(channels), type(uint256).max)));
        // Its signatures are made by its owner's key.
        keys[address(wallet)] = relayerKey;
        knownIdentities.push(address(wallet));
    }

    function test_a_contract_wallet_is_a_consumer() public {
        Registration memory registration =
            Registration(address(wallet), CONSUMER, 2 * WHOLE, address(0), "", 0, 0, uint64(START));
        registry.registerFor(registration, _noPermit(), _signRegistration(registration));
        wallet.run(address(channels), abi.encodeCall(channels.open, (hub, 1, 100 * WHOLE)));
        Parties memory parties = Parties(address(wallet), hub, 1);
        knownChannels.push(_id(parties));
        _drawByHub(parties, provider, 10 * WHOLE);
        _protest(parties, provider, 11 * WHOLE);
        channels.requestExitFor(parties, 0, uint64(START), _signExit(parties, 0, uint64(START)));
        assertEq(_tab(parties, provider).drawn, 10 * WHOLE, "drawn");
        _assertConserved();
        keys[address(wallet)] = providerKey;
        Draw memory forged = _hubDraw(parties, provider, 20 * WHOLE);
        vm.prank(hub);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, address(wallet)));
        channels.draw(forged);
    }

    function test_a_contract_wallet_is_a_provider() public {
        wallet.run(
            address(registry), abi.encodeCall(registry.register, (PROVIDER, 50 * WHOLE, address(0), ""))
        );
        Proposal memory proposal;
        proposal.provider = address(wallet);
        proposal.country = "SI";
        proposal.issuedAt = uint64(START);
        marketplace.publish(proposal, _signProposal(proposal));
        Parties memory parties = _open(1, 100 * WHOLE);
        FinalState memory state = _finalWith(parties, address(wallet), 10 * WHOLE, uint64(START));
        assertEq(_conclude(state), 90 * WHOLE, "released");
    }

    /// @notice Two wallets of one owner accept each other's digests, so what is signed names its signer.
    function test_a_promise_of_one_wallet_is_not_one_of_its_owners_other() public {
        ContractWallet other = new ContractWallet(relayer);
        keys[address(other)] = relayerKey;
        bytes memory byWallet = _signHubPromise(address(wallet), provider, 10 * WHOLE);
        Redemption memory stolen = Redemption(address(other), provider, 10 * WHOLE, byWallet);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, address(other)));
        channels.redeem(stolen);
    }

    function test_a_release_of_one_wallet_is_not_one_of_its_owners_other() public {
        ContractWallet other = new ContractWallet(relayer);
        keys[address(other)] = relayerKey;
        for (uint256 i = 0; i < 2; ++i) {
            ContractWallet each = i == 0 ? wallet : other;
            token.transfer(address(each), 100 * WHOLE);
            each.run(address(token), abi.encodeCall(token.approve, (address(registry), type(uint256).max)));
            each.run(
                address(registry), abi.encodeCall(registry.register, (PROVIDER, 50 * WHOLE, address(0), ""))
            );
        }
        Parties memory parties = _open(1, 100 * WHOLE);
        FinalState memory state = _finalWith(parties, address(other), 10 * WHOLE, 0);
        state.releases = new SignedRelease[](1);
        state.releases[0] = _signRelease(parties, address(wallet), 10 * WHOLE, uint64(START));
        state.releases[0].provider = address(other);
        bytes32 digest = _stateDigest(state, address(channels));
        (bytes memory byConsumer, bytes memory byHub) = (_sign(consumerKey, digest), _sign(hubKey, digest));
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, address(other)));
        channels.conclude(state, byConsumer, byHub);
    }

    function test_a_contract_wallet_without_gas_is_served_like_a_key() public {
        uint64 deadline = uint64(START);
        wallet.run(
            address(registry), abi.encodeCall(registry.register, (CONSUMER, 2 * WHOLE, address(0), ""))
        );
        wallet.run(address(channels), abi.encodeCall(channels.open, (hub, 1, 100 * WHOLE)));
        Deposit memory deposit = Deposit(address(wallet), hub, 1, WHOLE, WHOLE, 0, deadline);
        registry.depositFor(deposit, _noPermit(), _signDeposit(deposit));
        Unbonding memory unbonding = Unbonding(address(wallet), WHOLE, WHOLE, 1, deadline);
        registry.requestUnbondingFor(unbonding, _noPermit(), _signUnbonding(unbonding));
        assertEq(registry.standingOf(address(wallet)).unbonding, WHOLE, "unbonding");
        unbonding.nonce = 2;
        keys[address(wallet)] = providerKey;
        bytes memory forged = _signUnbonding(unbonding);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongSigner.selector, address(wallet)));
        registry.requestUnbondingFor(unbonding, _noPermit(), forged);
    }

    /// @notice The life-cycle states are the library's, which knows keys only.
    function test_a_contract_wallet_cannot_conclude_but_exit() public {
        wallet.run(
            address(registry), abi.encodeCall(registry.register, (CONSUMER, 2 * WHOLE, address(0), ""))
        );
        wallet.run(address(channels), abi.encodeCall(channels.open, (hub, 1, 100 * WHOLE)));
        Parties memory parties = Parties(address(wallet), hub, 1);
        FinalState memory state = _final(parties);
        bytes32 digest = _stateDigest(state, address(channels));
        bytes memory byWallet = _sign(relayerKey, digest);
        bytes memory byHub = _sign(hubKey, digest);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, address(wallet)));
        channels.conclude(state, byWallet, byHub);
        wallet.run(address(channels), abi.encodeCall(channels.requestExit, (hub, 1)));
        vm.warp(START + EXIT_DELAY);
        assertEq(channels.exit(parties, new address[](0)), 100 * WHOLE, "returned");
    }
}
