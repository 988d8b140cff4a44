// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {HubView, Parties} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

contract HubTest is World {
    // ------------------------------------------------------------------- pool

    function testFuzz_anyone_funds_a_pool(uint128 amount_) public {
        uint256 amount = bound(amount_, 1, 50_000 * WHOLE);
        vm.expectEmit();
        emit IChannelMoney.PoolFunded(hub, relayer, amount, amount);
        vm.prank(relayer);
        channels.fund(hub, amount);
        assertEq(_pool(), amount, "pool");
        _assertConserved();
        vm.expectRevert(IChannelMoney.ZeroAmount.selector);
        channels.fund(hub, 0);
    }

    function test_a_pool_leaves_after_the_delay() public {
        _fund(100 * WHOLE);
        vm.startPrank(hub);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.NoWithdrawal.selector, hub));
        channels.withdraw();
        uint64 at_ = uint64(START) + WITHDRAWAL_DELAY;
        vm.expectEmit();
        emit IChannelMoney.WithdrawalRequested(hub, 70 * WHOLE, at_);
        channels.requestWithdrawal(70 * WHOLE);
        HubView memory known = channels.hubOf(hub);
        assertEq(known.pendingWithdrawal, 70 * WHOLE, "pending");
        assertEq(known.withdrawableAt, at_, "when");
        vm.warp(at_ - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IChannelMoney.WithdrawalTooEarly.selector, hub, at_, block.timestamp)
        );
        channels.withdraw();
        vm.warp(at_);
        registry.setBeneficiary(relayer);
        uint256 before = token.balanceOf(relayer);
        vm.expectEmit();
        emit IChannelMoney.PoolWithdrawn(hub, relayer, 70 * WHOLE, 30 * WHOLE);
        assertEq(channels.withdraw(), 70 * WHOLE, "amount");
        assertEq(token.balanceOf(relayer) - before, 70 * WHOLE, "received");
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.NoWithdrawal.selector, hub));
        channels.withdraw();
        vm.stopPrank();
        _assertConserved();
    }

    function test_what_is_pending_stays_payable() public {
        _fund(100 * WHOLE);
        vm.prank(hub);
        channels.requestWithdrawal(100 * WHOLE);
        vm.warp(START + WITHDRAWAL_DELAY);
        assertEq(_redeem(hub, provider, 80 * WHOLE), 80 * WHOLE, "creditors first");
        vm.prank(hub);
        assertEq(channels.withdraw(), 20 * WHOLE, "what they left");
        _assertConserved();
    }

    function test_a_request_is_replaced_or_cancelled() public {
        _fund(100 * WHOLE);
        vm.startPrank(hub);
        channels.requestWithdrawal(50 * WHOLE);
        vm.warp(START + 10);
        channels.requestWithdrawal(60 * WHOLE);
        assertEq(channels.hubOf(hub).withdrawableAt, START + 10 + WITHDRAWAL_DELAY, "the delay starts again");
        vm.expectEmit();
        emit IChannelMoney.WithdrawalRequested(hub, 0, 0);
        channels.requestWithdrawal(0);
        vm.warp(START + 10 * WITHDRAWAL_DELAY);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.NoWithdrawal.selector, hub));
        channels.withdraw();
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.AmountTooLarge.selector, uint256(1) << 128, type(uint128).max
            )
        );
        channels.requestWithdrawal(uint256(1) << 128);
        vm.stopPrank();
    }

    function test_no_pool_leaves_while_a_debt_stands() public {
        vm.prank(hub);
        channels.requestWithdrawal(100 * WHOLE);
        _redeem(hub, provider, 1_010 * WHOLE);
        _fund(100 * WHOLE);
        vm.warp(START + WITHDRAWAL_DELAY);
        vm.prank(hub);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.DebtStands.selector, hub, 10 * WHOLE));
        channels.withdraw();
        channels.redeem(_waiting(hub, provider));
        vm.prank(hub);
        assertEq(channels.withdraw(), 90 * WHOLE, "the rest");
        _assertConserved();
    }

    // -------------------------------------------------------------------- fee

    function test_a_hub_that_said_nothing_takes_the_default() public view {
        HubView memory known = channels.hubOf(hub);
        assertEq(channels.feeOf(hub), DEFAULT_FEE, "fee");
        assertEq(known.feeBps, DEFAULT_FEE, "fee");
        assertEq(known.announcedFeeBps, DEFAULT_FEE, "nothing announced");
        assertEq(known.feeChangesAt, 0, "nothing announced");
        assertEq(known.stake, 2_000 * WHOLE, "stake");
        assertEq(known.faults + known.debt, 0, "clean");
    }

    function test_a_raise_comes_by_itself_after_the_notice() public {
        uint64 effectiveAt = uint64(START) + FEE_NOTICE;
        vm.expectEmit();
        emit IChannelMoney.FeeAnnounced(hub, 500, effectiveAt);
        vm.prank(hub);
        channels.announceFee(500);
        HubView memory known = channels.hubOf(hub);
        assertEq(known.feeBps, DEFAULT_FEE, "not yet");
        assertEq(known.announcedFeeBps, 500, "announced");
        assertEq(known.feeChangesAt, effectiveAt, "when");
        vm.warp(effectiveAt - 1);
        assertEq(channels.feeOf(hub), DEFAULT_FEE, "not yet");
        vm.warp(effectiveAt);
        assertEq(channels.feeOf(hub), 500, "now");
        known = channels.hubOf(hub);
        assertEq(known.announcedFeeBps, 500, "nothing else to come");
        assertEq(known.feeChangesAt, 0, "nothing else to come");
        // A second raise counts from what is in force.
        vm.prank(hub);
        channels.announceFee(600);
        assertEq(channels.feeOf(hub), 500, "not yet");
    }

    function test_a_lowering_comes_at_once_and_cancels_a_raise() public {
        vm.startPrank(hub);
        channels.announceFee(500);
        vm.expectEmit();
        emit IChannelMoney.FeeAnnounced(hub, 100, uint64(START));
        channels.announceFee(100);
        assertEq(channels.feeOf(hub), 100, "at once");
        vm.warp(START + 2 * FEE_NOTICE);
        assertEq(channels.feeOf(hub), 100, "the raise is cancelled");
        channels.announceFee(100);
        assertEq(channels.feeOf(hub), 100, "the same again is no raise");
        assertEq(channels.hubOf(hub).feeChangesAt, 0, "no notice");
        vm.stopPrank();
    }

    function test_a_second_raise_waits_anew() public {
        vm.startPrank(hub);
        channels.announceFee(500);
        vm.warp(START + FEE_NOTICE - 1);
        channels.announceFee(400);
        vm.warp(START + FEE_NOTICE);
        assertEq(channels.feeOf(hub), DEFAULT_FEE, "the first is gone");
        vm.warp(START + 2 * FEE_NOTICE - 1);
        assertEq(channels.feeOf(hub), 400, "the second is there");
        vm.stopPrank();
    }

    function test_no_fee_above_the_cap() public {
        vm.startPrank(hub);
        channels.announceFee(FEE_CAP);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.FeeAboveCap.selector, FEE_CAP + 1, FEE_CAP));
        channels.announceFee(FEE_CAP + 1);
        vm.stopPrank();
    }

    /// @notice I8: the fee of a channel is that of its total, whatever was drawn when.
    function testFuzz_a_change_of_fee_counts_for_what_is_drawn_later(uint128 before_, uint128 after_) public {
        Parties memory parties = _open(1, 100 * WHOLE);
        uint256 first = bound(before_, 1, 50 * WHOLE);
        uint256 second = first + bound(after_, 1, 50 * WHOLE);
        vm.prank(hub);
        channels.announceFee(1_000);
        _drawByHub(parties, provider, first);
        assertEq(_pool(), first * 200 / 10_000, "the old fee");
        vm.warp(START + FEE_NOTICE);
        uint256 pool = _pool();
        _drawByHub(parties, provider, second);
        assertEq(_pool() - pool, second * 1_000 / 10_000 - first * 1_000 / 10_000, "the new one");
        _assertConserved();
    }

    // ------------------------------------------------------------ liabilities

    function test_liabilities_are_anchored() public {
        vm.expectEmit();
        emit IChannelMoney.LiabilitiesAnchored(hub, bytes32(uint256(1)), 2, 3, 4);
        vm.prank(hub);
        channels.anchorLiabilities(bytes32(uint256(1)), 2, 3, 4);
    }
}
