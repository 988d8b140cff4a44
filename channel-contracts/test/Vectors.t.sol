// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../src/interfaces/IChannelMoney.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IdentityRegistry} from "../src/IdentityRegistry.sol";
import {Marketplace} from "../src/Marketplace.sol";
import {PaymentChannels} from "../src/PaymentChannels.sol";
import {TestToken} from "../src/TestToken.sol";
import {
    Deposit,
    Registration,
    Repayment,
    StakeWithdrawal,
    Unbonding
} from "../src/interfaces/IIdentityRegistry.sol";
import {IMarketplace, Proposal, SessionTerms} from "../src/interfaces/IMarketplace.sol";
import {
    Draw,
    FinalState,
    IPaymentChannels,
    Opening,
    Parties,
    Redemption,
    SignedRelease,
    Total
} from "../src/interfaces/IPaymentChannels.sol";
import {World} from "./World.sol";

/// @notice What ethers and the state-channel library hashed and signed is what the contracts accept.
contract VectorsTest is World {
    string private json;
    string private states;
    uint48 private nonce;

    function setUp() public override {
        vm.warp(START);
        json = vm.readFile("test/vectors/documents.json");
        states = vm.readFile("test/vectors/states.json");
        // The vectors are for the contracts that this account deploys first.
        address deployer = vm.parseJsonAddress(json, ".deployer");
        token = new TestToken(SUPPLY);
        vm.startPrank(deployer);
        registry = new IdentityRegistry(
            IERC20(address(token)),
            vm.parseJsonAddress(json, ".channels"),
            vm.parseJsonAddress(json, ".marketplace"),
            UNBONDING,
            _minimums()
        );
        channels = IPaymentChannels(address(new PaymentChannels(registry, _settings())));
        marketplace = new Marketplace(registry, _marketSettings());
        vm.stopPrank();
        hub = _enter("hub", HUB, 2_000 * WHOLE);
        provider = _enter("provider", PROVIDER, 100 * WHOLE);
        relayer = _enter("relayer", PROVIDER, 100 * WHOLE);
        consumer = _account("consumer");
        nonce = uint48(vm.parseJsonUint(json, ".channel.nonce"));
    }

    function _signature(string memory name) private view returns (bytes memory) {
        return vm.parseJsonBytes(json, string.concat(".documents.", name, ".signature"));
    }

    function _uint(string memory name, string memory field) private view returns (uint256) {
        return vm.parseJsonUint(json, string.concat(".documents.", name, ".fields.", field));
    }

    function _address(string memory name, string memory field) private view returns (address) {
        return vm.parseJsonAddress(json, string.concat(".documents.", name, ".fields.", field));
    }

    function _registered() private {
        vm.prank(consumer);
        registry.register(CONSUMER, 2 * WHOLE, address(0), "");
        knownIdentities.push(consumer);
    }

    function _opened() private returns (Parties memory) {
        _registered();
        return _openBetween(consumer, hub, nonce, 100 * WHOLE);
    }

    function test_the_deployment_is_where_the_vectors_expect_it() public view {
        assertEq(address(registry), vm.parseJsonAddress(json, ".registry"), "registry");
        assertEq(address(channels), vm.parseJsonAddress(json, ".channels"), "channels");
        assertEq(address(marketplace), vm.parseJsonAddress(json, ".marketplace"), "marketplace");
        assertEq(block.chainid, vm.parseJsonUint(json, ".chainId"), "chain");
    }

    function test_channel_id() public view {
        assertEq(_id(_parties(nonce)), vm.parseJsonBytes32(json, ".channel.channelId"), "id");
    }

    function test_Registration() public {
        Registration memory registration = Registration({
            identity: _address("Registration", "identity"),
            roles: uint8(_uint("Registration", "roles")),
            stake: _uint("Registration", "stake"),
            beneficiary: _address("Registration", "beneficiary"),
            url: vm.parseJsonString(json, ".documents.Registration.fields.url"),
            relayFee: _uint("Registration", "relayFee"),
            nonce: _uint("Registration", "nonce"),
            deadline: uint64(_uint("Registration", "deadline"))
        });
        registry.registerFor(registration, _noPermit(), _signature("Registration"));
        assertTrue(registry.isActive(consumer, CONSUMER), "registered");
    }

    function test_Opening() public {
        _registered();
        Opening memory opening = Opening({
            consumer: _address("Opening", "consumer"),
            hub: _address("Opening", "hub"),
            channelNonce: uint48(_uint("Opening", "channelNonce")),
            amount: _uint("Opening", "amount"),
            relayFee: _uint("Opening", "relayFee"),
            deadline: uint64(_uint("Opening", "deadline"))
        });
        bytes32 id = channels.openFor(opening, _noPermit(), _signature("Opening"));
        assertEq(channels.channelOf(id).balance, opening.amount, "balance");
    }

    function test_MicroPromise_and_Guarantee() public {
        Parties memory parties = _opened();
        Draw memory order = Draw({
            parties: parties,
            provider: provider,
            amount: _uint("MicroPromise", "amount"),
            promiseSignature: _signature("MicroPromise"),
            ceiling: _uint("Guarantee", "ceiling"),
            expiresAt: uint64(_uint("Guarantee", "expiresAt")),
            guaranteeSignature: _signature("Guarantee")
        });
        assertEq(channels.draw(order), order.amount, "drawn");
    }

    function test_HubPromise() public {
        _fund(50 * WHOLE);
        uint256 total = _uint("HubPromise", "total");
        assertEq(channels.redeem(Redemption(hub, provider, total, _signature("HubPromise"))), total, "paid");
    }

    function test_ExitRequest() public {
        Parties memory parties = _opened();
        channels.requestExitFor(
            parties,
            _uint("ExitRequest", "relayFee"),
            uint64(_uint("ExitRequest", "deadline")),
            _signature("ExitRequest")
        );
        assertEq(channels.channelOf(_id(parties)).exitAt, START + EXIT_DELAY, "exit");
    }

    function test_Collection() public {
        Parties memory parties = _opened();
        vm.prank(consumer);
        channels.requestExit(hub, parties.nonce);
        vm.warp(START + EXIT_DELAY);
        vm.mockCallRevert(address(token), abi.encodeWithSelector(IERC20.transfer.selector, consumer), "");
        uint256 returned = channels.exit(parties, new address[](0));
        vm.clearMockedCalls();
        uint256 before = token.balanceOf(relayer);
        vm.prank(relayer);
        channels.collectWithheld(
            consumer,
            relayer,
            _uint("Collection", "relayFee"),
            uint64(_uint("Collection", "deadline")),
            _signature("Collection")
        );
        assertEq(token.balanceOf(relayer) - before, returned, "collected, the fee included");
    }

    function test_Deposit() public {
        Parties memory parties = _opened();
        Deposit memory deposit = Deposit({
            consumer: consumer,
            hub: hub,
            channelNonce: uint48(_uint("Deposit", "channelNonce")),
            amount: _uint("Deposit", "amount"),
            relayFee: _uint("Deposit", "relayFee"),
            nonce: _uint("Deposit", "nonce"),
            deadline: uint64(_uint("Deposit", "deadline"))
        });
        registry.depositFor(deposit, _noPermit(), _signature("Deposit"));
        assertEq(channels.channelOf(_id(parties)).balance, 100 * WHOLE + deposit.amount, "balance");
    }

    function test_Repayment() public {
        Parties memory parties = _opened();
        _protest(parties, provider, 200 * WHOLE);
        vm.warp(START + PROTEST_WINDOW);
        channels.settleProtest(parties, provider);
        Repayment memory repayment = Repayment({
            consumer: consumer,
            hub: hub,
            channelNonce: uint48(_uint("Repayment", "channelNonce")),
            provider: _address("Repayment", "provider"),
            amount: _uint("Repayment", "amount"),
            relayFee: _uint("Repayment", "relayFee"),
            nonce: _uint("Repayment", "nonce"),
            deadline: uint64(_uint("Repayment", "deadline"))
        });
        assertEq(
            registry.repayFor(repayment, _noPermit(), _signature("Repayment")), repayment.amount, "repaid"
        );
    }

    function test_Unbonding_and_StakeWithdrawal() public {
        _registered();
        Unbonding memory unbonding = Unbonding({
            identity: consumer,
            amount: _uint("Unbonding", "amount"),
            relayFee: _uint("Unbonding", "relayFee"),
            nonce: _uint("Unbonding", "nonce"),
            deadline: uint64(_uint("Unbonding", "deadline"))
        });
        registry.requestUnbondingFor(unbonding, _noPermit(), _signature("Unbonding"));
        vm.warp(START + UNBONDING);
        StakeWithdrawal memory withdrawal = StakeWithdrawal({
            identity: consumer,
            relayFee: _uint("StakeWithdrawal", "relayFee"),
            nonce: _uint("StakeWithdrawal", "nonce"),
            deadline: uint64(_uint("StakeWithdrawal", "deadline"))
        });
        assertEq(
            registry.withdrawStakeFor(withdrawal, _signature("StakeWithdrawal")),
            unbonding.amount,
            "withdrawn"
        );
    }

    function test_Proposal() public {
        Proposal memory proposal = Proposal({
            provider: provider,
            service: vm.parseJsonString(json, ".documents.Proposal.fields.service"),
            pricePerMegabyte: _uint("Proposal", "pricePerMegabyte"),
            pricePerHour: _uint("Proposal", "pricePerHour"),
            country: vm.parseJsonString(json, ".documents.Proposal.fields.country"),
            endpoint: vm.parseJsonString(json, ".documents.Proposal.fields.endpoint"),
            wireguardKey: vm.parseJsonBytes32(json, ".documents.Proposal.fields.wireguardKey"),
            certificate: vm.parseJsonBytes32(json, ".documents.Proposal.fields.certificate"),
            exitPolicy: vm.parseJsonString(json, ".documents.Proposal.fields.exitPolicy"),
            hubs: vm.parseJsonAddressArray(json, ".documents.Proposal.fields.hubs"),
            issuedAt: uint64(_uint("Proposal", "issuedAt"))
        });
        marketplace.publish(proposal, _signature("Proposal"));
        assertTrue(marketplace.offerOf(provider).live, "published");
    }

    function test_SessionTerms() public {
        SessionTerms memory terms = SessionTerms({
            provider: provider,
            consumer: consumer,
            channelId: vm.parseJsonBytes32(json, ".channel.channelId"),
            pricePerMegabyte: _uint("SessionTerms", "pricePerMegabyte"),
            pricePerHour: _uint("SessionTerms", "pricePerHour"),
            creditBytes: _uint("SessionTerms", "creditBytes"),
            issuedAt: uint64(_uint("SessionTerms", "issuedAt")),
            validUntil: uint64(_uint("SessionTerms", "validUntil"))
        });
        // The signature is good, so the contract goes on to the prices, of which there are none.
        vm.expectRevert(abi.encodeWithSelector(IMarketplace.NoPriceAt.selector, provider, terms.issuedAt));
        marketplace.reportOvercharge(terms, _signature("SessionTerms"));
        terms.creditBytes += 1;
        vm.expectRevert(abi.encodeWithSelector(IMarketplace.WrongSigner.selector, provider));
        marketplace.reportOvercharge(terms, _signature("SessionTerms"));
    }

    // ----------------------------------------------------------- final states

    function _state(string memory place) private view returns (FinalState memory state) {
        state.parties = _parties(nonce);
        state.turnNum = uint48(vm.parseJsonUint(states, string.concat(place, ".turnNum")));
        state.challengeDuration = uint48(vm.parseJsonUint(states, string.concat(place, ".challengeDuration")));
        uint256 count;
        while (vm.keyExistsJson(states, string.concat(place, ".totals[", vm.toString(count), "]"))) ++count;
        state.totals = new Total[](count);
        for (uint256 i = 0; i < count; ++i) {
            string memory item = string.concat(place, ".totals[", vm.toString(i), "]");
            state.totals[i] = Total(
                vm.parseJsonAddress(states, string.concat(item, ".provider")),
                vm.parseJsonUint(states, string.concat(item, ".amount"))
            );
        }
        count = 0;
        while (vm.keyExistsJson(states, string.concat(place, ".releases[", vm.toString(count), "]"))) ++count;
        state.releases = new SignedRelease[](count);
        for (uint256 i = 0; i < count; ++i) {
            string memory item = string.concat(place, ".releases[", vm.toString(i), "]");
            state.releases[i] = SignedRelease(
                vm.parseJsonAddress(states, string.concat(item, ".provider")),
                vm.parseJsonUint(states, string.concat(item, ".amount")),
                uint64(vm.parseJsonUint(states, string.concat(item, ".upTo"))),
                _signature("Release")
            );
        }
    }

    function _concludeVector(uint256 index) private returns (uint256) {
        string memory place = string.concat(".states[", vm.toString(index), "]");
        FinalState memory state = _state(place);
        return channels.conclude(
            state,
            vm.parseJsonBytes(states, string.concat(place, ".consumerSignature")),
            vm.parseJsonBytes(states, string.concat(place, ".hubSignature"))
        );
    }

    function test_pre_fund_states_conclude_nothing() public {
        _opened();
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectPartialRevert(IChannelMoney.WrongSigner.selector);
            this.concludeVector(i);
        }
    }

    function concludeVector(uint256 index) external {
        _concludeVector(index);
    }

    function test_final_state_with_nothing_owed() public {
        _opened();
        assertEq(_concludeVector(2), 100 * WHOLE, "returned");
    }

    function test_final_state_with_one_provider() public {
        Parties memory parties = _opened();
        assertEq(_concludeVector(3), 60 * WHOLE, "returned");
        assertEq(_tab(parties, provider).drawn, 40 * WHOLE, "drawn");
        assertEq(_tab(parties, provider).releasedUpTo, 1_800_003_600, "released");
        _assertConserved();
    }

    function test_final_state_with_two_providers() public {
        Parties memory parties = _opened();
        assertEq(_concludeVector(4), 55 * WHOLE, "returned");
        assertEq(_tab(parties, provider).drawn, 40 * WHOLE, "drawn");
        assertEq(_tab(parties, relayer).drawn, 5 * WHOLE, "drawn for the other");
    }

    function test_a_tampered_final_state_is_refused() public {
        _opened();
        string memory place = ".states[3]";
        bytes memory byConsumer = vm.parseJsonBytes(states, string.concat(place, ".consumerSignature"));
        bytes memory byHub = vm.parseJsonBytes(states, string.concat(place, ".hubSignature"));
        for (uint256 kind = 0; kind < 6; ++kind) {
            FinalState memory state = _state(place);
            if (kind == 0) state.totals[0].amount += 1;
            if (kind == 1) state.totals[0].provider = relayer;
            if (kind == 2) state.turnNum = 3;
            if (kind == 3) state.challengeDuration = 1;
            if (kind == 4) state.releases = new SignedRelease[](0);
            if (kind == 5) state.releases[0].upTo += 1;
            vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
            channels.conclude(state, byConsumer, byHub);
        }
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, hub));
        channels.conclude(_state(place), byConsumer, byConsumer);
    }
}
