// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IIdentityRegistry, Standing} from "../../src/interfaces/IIdentityRegistry.sol";
import {World} from "../World.sol";

contract UnbondingTest is World {
    function test_part_of_a_stake_leaves_after_the_delay() public {
        vm.expectEmit();
        emit IIdentityRegistry.UnbondingRequested(
            hub, 1_000 * WHOLE, 1_000 * WHOLE, uint64(START) + UNBONDING
        );
        vm.startPrank(hub);
        registry.requestUnbonding(1_000 * WHOLE);
        assertTrue(registry.isActive(hub, HUB), "still a hub");
        vm.warp(START + UNBONDING - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IIdentityRegistry.StillUnbonding.selector, hub, uint64(START) + UNBONDING, block.timestamp
            )
        );
        registry.withdrawStake();
        vm.warp(START + UNBONDING);
        uint256 before = token.balanceOf(hub);
        assertEq(registry.withdrawStake(), 1_000 * WHOLE, "amount");
        assertEq(token.balanceOf(hub) - before, 1_000 * WHOLE, "received");
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.NothingUnbonding.selector, hub));
        registry.withdrawStake();
        vm.stopPrank();
        _assertConserved();
    }

    function test_what_stays_must_suffice_or_be_nothing() public {
        vm.startPrank(hub);
        vm.expectRevert(
            abi.encodeWithSelector(
                IIdentityRegistry.StakeBelowMinimum.selector, hub, 1_000 * WHOLE - 1, 1_000 * WHOLE
            )
        );
        registry.requestUnbonding(1_000 * WHOLE + 1);
        vm.expectRevert(IIdentityRegistry.ZeroAmount.selector);
        registry.requestUnbonding(0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IIdentityRegistry.AmountTooLarge.selector, 2_000 * WHOLE + 1, 2_000 * WHOLE
            )
        );
        registry.requestUnbonding(2_000 * WHOLE + 1);
        registry.requestUnbonding(2_000 * WHOLE);
        vm.stopPrank();
        Standing memory standing = registry.standingOf(hub);
        assertEq(standing.roles, 0, "it left its roles");
        assertEq(standing.unbonding, 2_000 * WHOLE, "unbonding");
        assertTrue(!registry.isActive(hub, HUB), "no hub any more");
    }

    function test_the_delay_starts_again_for_all() public {
        vm.startPrank(hub);
        registry.requestUnbonding(400 * WHOLE);
        vm.warp(START + UNBONDING - 1);
        registry.requestUnbonding(600 * WHOLE);
        Standing memory standing = registry.standingOf(hub);
        assertEq(standing.unbonding, 1_000 * WHOLE, "sum");
        assertEq(standing.unbondsAt, block.timestamp + UNBONDING, "later");
        vm.stopPrank();
        _assertConserved();
    }

    function test_unbonding_can_be_cancelled() public {
        vm.startPrank(hub);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.NothingUnbonding.selector, hub));
        registry.cancelUnbonding();
        registry.requestUnbonding(2_000 * WHOLE);
        vm.expectEmit();
        emit IIdentityRegistry.UnbondingCancelled(hub, 2_000 * WHOLE);
        registry.cancelUnbonding();
        assertEq(registry.standingOf(hub).stake, 2_000 * WHOLE, "back");
        assertEq(registry.standingOf(hub).unbondsAt, 0, "nothing unbonds");
        assertTrue(!registry.isActive(hub, HUB), "a role that was left is not taken up again");
        registry.register(HUB, 0, address(0), "");
        assertTrue(registry.isActive(hub, HUB), "until it registers");
        vm.stopPrank();
        _assertConserved();
    }

    function test_stake_goes_to_the_beneficiary() public {
        vm.startPrank(hub);
        registry.setBeneficiary(relayer);
        registry.requestUnbonding(2_000 * WHOLE);
        vm.warp(START + UNBONDING);
        uint256 before = token.balanceOf(relayer);
        vm.expectEmit();
        emit IIdentityRegistry.StakeWithdrawn(hub, relayer, 2_000 * WHOLE);
        registry.withdrawStake();
        vm.stopPrank();
        assertEq(token.balanceOf(relayer) - before, 2_000 * WHOLE, "received");
    }

    function test_no_stake_leaves_while_a_debt_stands() public {
        vm.prank(hub);
        registry.requestUnbonding(2_000 * WHOLE);
        _redeem(hub, provider, 5_000 * WHOLE);
        assertEq(registry.debtOf(hub), 4_000 * WHOLE, "debt");
        vm.warp(START + UNBONDING);
        vm.prank(relayer);
        registry.addStake(hub, 10 * WHOLE);
        vm.startPrank(hub);
        registry.requestUnbonding(10 * WHOLE);
        vm.warp(block.timestamp + UNBONDING);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.DebtStands.selector, hub, 4_000 * WHOLE));
        registry.withdrawStake();
        vm.stopPrank();
    }
}
