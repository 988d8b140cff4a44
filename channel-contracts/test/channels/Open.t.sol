// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {PaymentChannels} from "../../src/PaymentChannels.sol";
import {IIdentityRegistry, Permit} from "../../src/interfaces/IIdentityRegistry.sol";
import {
    ChannelSettings,
    ChannelStatus,
    ChannelView,
    Opening,
    Parties
} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

contract OpenTest is World {
    function test_opens_and_locks() public {
        bytes32 id = _id(_parties(1));
        vm.expectEmit();
        emit IChannelMoney.ChannelOpened(id, consumer, hub, 1, 100 * WHOLE);
        _open(1, 100 * WHOLE);
        ChannelView memory channel = channels.channelOf(id);
        assertTrue(channel.status == ChannelStatus.Open, "open");
        assertEq(channel.balance, 100 * WHOLE, "balance");
        assertEq(channel.exitAt + channel.openProtests, 0, "nothing else");
        _assertConserved();
    }

    /// @notice The library's layout: keccak of (chain id, [consumer, hub], nonce).
    function testFuzz_id_is_that_of_the_library(address from, address with, uint48 nonce) public view {
        address[] memory participants = new address[](2);
        participants[0] = from;
        participants[1] = with;
        assertEq(
            channels.channelIdOf(Parties(from, with, nonce)),
            keccak256(abi.encode(block.chainid, participants, uint256(nonce))),
            "id"
        );
    }

    function test_a_channel_opens_once() public {
        Parties memory parties = _open(1, WHOLE);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.ChannelExists.selector, _id(parties)));
        vm.prank(consumer);
        channels.open(hub, 1, WHOLE);
    }

    function test_an_empty_channel_is_refused() public {
        vm.expectRevert(IChannelMoney.ZeroAmount.selector);
        vm.prank(consumer);
        channels.open(hub, 1, 0);
    }

    function test_both_parties_must_stand_well() public {
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.NotActive.selector, relayer, CONSUMER));
        vm.prank(relayer);
        channels.open(hub, 1, WHOLE);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.NotActive.selector, provider, HUB));
        vm.prank(consumer);
        channels.open(provider, 1, WHOLE);
    }

    function test_nobody_opens_with_an_indebted_hub() public {
        _redeem(hub, provider, 5_000 * WHOLE);
        vm.prank(relayer);
        registry.addStake(hub, 5_000 * WHOLE);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.NotActive.selector, hub, HUB));
        vm.prank(consumer);
        channels.open(hub, 1, WHOLE);
    }

    // ---------------------------------------------------------------- relayed

    function _opening() private view returns (Opening memory) {
        return Opening(consumer, hub, 9, 50 * WHOLE, 2 * WHOLE, uint64(START + 60));
    }

    function test_relayed_with_a_permit_and_no_gas() public {
        vm.prank(consumer);
        token.approve(address(channels), 0);
        Opening memory opening = _opening();
        Permit memory permit = _signPermit(consumer, address(channels), 52 * WHOLE, uint64(START + 60));
        bytes memory signature = _signOpening(opening);
        uint256 before = token.balanceOf(relayer);
        vm.prank(relayer);
        bytes32 id = channels.openFor(opening, permit, signature);
        knownChannels.push(id);
        assertEq(id, _id(_parties(9)), "id");
        assertEq(channels.channelOf(id).balance, 50 * WHOLE, "balance");
        assertEq(token.balanceOf(relayer) - before, 2 * WHOLE, "the relayer's fee");
        _assertConserved();
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.ChannelExists.selector, id));
        channels.openFor(opening, permit, signature);
    }

    function test_relayed_without_a_fee_expires() public {
        Opening memory opening = _opening();
        opening.relayFee = 0;
        bytes memory signature = _signOpening(opening);
        vm.warp(START + 61);
        vm.expectRevert(
            abi.encodeWithSelector(IChannelMoney.SignatureExpired.selector, opening.deadline, block.timestamp)
        );
        channels.openFor(opening, _noPermit(), signature);
        vm.warp(START + 60);
        uint256 before = token.balanceOf(consumer);
        channels.openFor(opening, _noPermit(), signature);
        assertEq(before - token.balanceOf(consumer), 50 * WHOLE, "no fee");
    }

    function testFuzz_a_changed_opening_is_refused(uint8 field) public {
        Opening memory opening = _opening();
        bytes memory signature = _signOpening(opening);
        uint256 kind = bound(field, 0, 4);
        if (kind == 0) opening.hub = provider;
        if (kind == 1) opening.channelNonce += 1;
        if (kind == 2) opening.amount += 1;
        if (kind == 3) opening.relayFee += 1;
        if (kind == 4) opening.deadline += 1;
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        channels.openFor(opening, _noPermit(), signature);
    }

    // ------------------------------------------------------ registering and opening

    function test_a_newcomer_registers_and_opens_in_one() public {
        address newcomer = _account("newcomer");
        knownIdentities.push(newcomer);
        vm.expectEmit();
        emit IIdentityRegistry.Registered(newcomer, CONSUMER, newcomer, "");
        vm.prank(newcomer);
        bytes32 id = registry.registerAndOpen(2 * WHOLE, hub, 4, 30 * WHOLE);
        knownChannels.push(id);
        assertEq(id, _id(Parties(newcomer, hub, 4)), "id");
        assertEq(channels.channelOf(id).balance, 30 * WHOLE, "balance");
        assertEq(registry.standingOf(newcomer).stake, 2 * WHOLE, "stake");
        assertEq(token.balanceOf(newcomer), 99_968 * WHOLE, "paid");
        _assertConserved();
        // Once registered it keeps what it said of itself, and needs no more stake.
        vm.startPrank(newcomer);
        registry.setBeneficiary(relayer);
        registry.setUrl("wss://n");
        knownChannels.push(registry.registerAndOpen(0, hub, 5, 10 * WHOLE));
        vm.stopPrank();
        assertEq(registry.beneficiaryOf(newcomer), relayer, "beneficiary");
        assertEq(keccak256(bytes(registry.standingOf(newcomer).url)), keccak256("wss://n"), "url");
        _assertConserved();
    }

    function test_only_the_registry_is_taken_at_its_word() public {
        Opening memory opening = _opening();
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        vm.prank(address(marketplace));
        channels.openFor(opening, _noPermit(), "");
        // And it speaks for its caller only.
        vm.prank(provider);
        registry.registerAndOpen(0, hub, 9, WHOLE);
        assertTrue(channels.channelOf(_id(_parties(9))).status == ChannelStatus.None, "not the consumer's");
    }

    // --------------------------------------------------------------- topping up

    function testFuzz_anyone_tops_up(uint128 amount_) public {
        uint256 amount = bound(amount_, 1, 1_000 * WHOLE);
        Parties memory parties = _open(1, WHOLE);
        vm.expectEmit();
        emit IChannelMoney.Deposited(_id(parties), relayer, amount, WHOLE + amount);
        vm.prank(relayer);
        channels.deposit(parties, amount);
        assertEq(_balance(parties), WHOLE + amount, "balance");
        _assertConserved();
    }

    function test_nothing_goes_into_no_channel_or_a_closed_one() public {
        Parties memory parties = _parties(3);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.ChannelNotOpen.selector, _id(parties)));
        channels.deposit(parties, 1);
        _open(3, WHOLE);
        vm.expectRevert(IChannelMoney.ZeroAmount.selector);
        channels.deposit(parties, 0);
        _conclude(_final(parties));
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.ChannelNotOpen.selector, _id(parties)));
        vm.prank(consumer);
        channels.deposit(parties, 1);
    }

    // ---------------------------------------------------------------- settings

    function test_settings_are_as_deployed() public view {
        assertEq(keccak256(abi.encode(channels.settings())), keccak256(abi.encode(_settings())), "settings");
        assertEq(channels.token(), address(token), "token");
        assertEq(channels.registry(), address(registry), "registry");
    }

    function testFuzz_delays_out_of_order_are_refused(uint8 which) public {
        ChannelSettings memory settings = _settings();
        uint256 kind = bound(which, 0, 12);
        if (kind == 0) settings.maxGuarantee = PROTEST_WINDOW;
        if (kind == 1) settings.exitDelay = 2 * PROTEST_WINDOW + MAX_GUARANTEE - 1;
        if (kind == 2) settings.withdrawalDelay = PROTEST_WINDOW;
        if (kind == 3) settings.feeNotice = 2 * PROTEST_WINDOW + MAX_GUARANTEE - 1;
        if (kind == 4) {
            settings.protestWindow = UNBONDING / 2;
            settings.withdrawalDelay = UNBONDING;
            settings.exitDelay = settings.feeNotice = 2 * UNBONDING;
        }
        if (kind == 5) settings.exitDelay = uint64(type(uint32).max) + 1;
        if (kind == 6) settings.withdrawalDelay = uint64(type(uint32).max) + 1;
        if (kind == 7) settings.feeNotice = uint64(type(uint32).max) + 1;
        if (kind == 8) settings.feeCapBps = 10_000;
        if (kind == 9) settings.defaultFeeBps = FEE_CAP + 1;
        IIdentityRegistry other = registry;
        // The last ones are fine but for the address, which is that of the contract already there.
        vm.expectRevert(IChannelMoney.BadSettings.selector);
        new PaymentChannels(other, settings);
    }

    function test_settings_at_the_edge_are_accepted() public {
        ChannelSettings memory settings = _settings();
        settings.maxGuarantee = PROTEST_WINDOW - 1;
        settings.withdrawalDelay = PROTEST_WINDOW + 1;
        settings.exitDelay = settings.feeNotice = 3 * PROTEST_WINDOW - 1;
        settings.feeCapBps = 9_999;
        settings.defaultFeeBps = 9_999;
        _redeploy(settings);
        settings.exitDelay = settings.withdrawalDelay = settings.feeNotice = type(uint32).max;
        settings.protestWindow = (UNBONDING - settings.maxGuarantee) / 2;
        _redeploy(settings);
    }

    function _redeploy(ChannelSettings memory settings) private {
        uint256 nonce = vm.getNonce(address(this));
        EveryRegistry other =
            new EveryRegistry(address(token), vm.computeCreateAddress(address(this), nonce + 1), UNBONDING);
        new PaymentChannels(IIdentityRegistry(address(other)), settings);
    }

    function testFuzz_each_delay_alone_makes_a_deployment_fail(uint8 which) public {
        uint256 nonce = vm.getNonce(address(this));
        EveryRegistry other =
            new EveryRegistry(address(token), vm.computeCreateAddress(address(this), nonce + 1), UNBONDING);
        ChannelSettings memory settings = _settings();
        uint256 kind = bound(which, 0, 9);
        if (kind == 0) settings.maxGuarantee = PROTEST_WINDOW;
        if (kind == 1) settings.exitDelay = 2 * PROTEST_WINDOW + MAX_GUARANTEE - 1;
        if (kind == 2) settings.withdrawalDelay = PROTEST_WINDOW;
        if (kind == 3) settings.feeNotice = 2 * PROTEST_WINDOW + MAX_GUARANTEE - 1;
        if (kind == 4) {
            settings.protestWindow = UNBONDING / 2;
            settings.withdrawalDelay = UNBONDING;
            settings.exitDelay = settings.feeNotice = 2 * UNBONDING;
        }
        if (kind == 5) settings.exitDelay = uint64(type(uint32).max) + 1;
        if (kind == 6) settings.withdrawalDelay = uint64(type(uint32).max) + 1;
        if (kind == 7) settings.feeNotice = uint64(type(uint32).max) + 1;
        if (kind == 8) settings.feeCapBps = 10_000;
        if (kind == 9) settings.defaultFeeBps = FEE_CAP + 1;
        vm.expectRevert(IChannelMoney.BadSettings.selector);
        new PaymentChannels(IIdentityRegistry(address(other)), settings);
    }
}

/// @notice As much of a registry as the constructor asks.
contract EveryRegistry {
    address public token;
    address public channels;
    uint64 public unbondingDelay;

    constructor(address token_, address channels_, uint64 unbondingDelay_) {
        token = token_;
        channels = channels_;
        unbondingDelay = unbondingDelay_;
    }
}
