// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IIdentityRegistry, Standing} from "../../src/interfaces/IIdentityRegistry.sol";
import {World} from "../World.sol";

contract SlashTest is World {
    function test_only_the_two_contracts_may() public {
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.NotASlasher.selector, address(this)));
        registry.slash(hub, 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.NotASlasher.selector, address(this)));
        registry.changeDebt(hub, 0, 1);
        vm.prank(address(marketplace));
        registry.slash(hub, 1, 1);
        vm.prank(address(channels));
        registry.slash(hub, 1, 1);
    }

    /// @notice For each token paid for what is newly missing one is burned; what was missing before costs none.
    function testFuzz_pays_and_burns(uint128 stake_, uint128 leaving_, uint256 missing_, uint256 newly_)
        public
    {
        uint256 leaving = bound(leaving_, 0, 1_000 * WHOLE);
        if (leaving > 0) {
            vm.prank(hub);
            registry.requestUnbonding(leaving);
        }
        uint256 added = bound(stake_, 1, 10_000 * WHOLE);
        _addStake(added);
        uint256 atStake = 2_000 * WHOLE + added;
        uint256 missing = bound(missing_, 0, 3 * atStake);
        uint256 newly = bound(newly_, 0, missing);
        uint256 burnedBefore = registry.burned();
        uint256 heldBefore = token.balanceOf(address(channels));
        vm.prank(address(channels));
        uint256 paid = registry.slash(hub, missing, newly);
        uint256 burned = registry.burned() - burnedBefore;
        assertEq(token.balanceOf(address(channels)) - heldBefore, paid, "paid to the caller");
        uint256 half = newly < atStake / 2 ? newly : atStake / 2;
        assertEq(burned, newly > half ? atStake - half : half, "burned");
        uint256 old = missing - newly;
        uint256 rest = atStake - half - burned;
        assertEq(paid, half + (old < rest ? old : rest), "paid");
        (uint128 left, uint32 faults,) = registry.securityOf(hub);
        assertEq(left, atStake - paid - burned, "left");
        assertEq(faults, newly > 0 ? 1 : 0, "fault");
        assertEq(
            token.balanceOf(address(registry)), left + 110 * WHOLE + registry.burned(), "others keep theirs"
        );
    }

    function _addStake(uint256 amount) private {
        token.approve(address(registry), amount);
        registry.addStake(hub, amount);
    }

    function test_stake_goes_before_what_is_unbonding() public {
        vm.prank(hub);
        registry.requestUnbonding(1_000 * WHOLE);
        vm.prank(address(channels));
        registry.slash(hub, 300 * WHOLE, 300 * WHOLE);
        Standing memory standing = registry.standingOf(hub);
        assertEq(standing.stake, 400 * WHOLE, "stake");
        assertEq(standing.unbonding, 1_000 * WHOLE, "unbonding");
        assertTrue(!registry.isActive(hub, HUB), "below the minimum");
        assertEq(standing.activeRoles, 0, "below the minimum");
        vm.prank(address(channels));
        registry.slash(hub, 300 * WHOLE, 300 * WHOLE);
        standing = registry.standingOf(hub);
        assertEq(standing.stake, 0, "stake");
        assertEq(standing.unbonding, 800 * WHOLE, "unbonding");
        assertEq(standing.faults, 2, "faults");
    }

    /// @notice I10: else the same claim presented again would take it.
    function test_an_odd_token_is_burned_too() public {
        _addStake(1);
        vm.prank(address(channels));
        assertEq(registry.slash(hub, 5_000 * WHOLE, 5_000 * WHOLE), 1_000 * WHOLE, "half");
        assertEq(registry.burned(), 1_000 * WHOLE + 1, "the other half, and the odd one");
        vm.prank(address(channels));
        assertEq(registry.slash(hub, 4_000 * WHOLE, 0), 0, "nothing is left");
    }

    function test_nothing_unbonds_after_all_of_it_was_slashed() public {
        vm.prank(hub);
        registry.requestUnbonding(2_000 * WHOLE);
        vm.prank(address(channels));
        registry.slash(hub, 1_000 * WHOLE - 1, 1_000 * WHOLE - 1);
        assertEq(registry.standingOf(hub).unbondsAt, START + UNBONDING, "two units still do");
        vm.prank(address(channels));
        registry.slash(hub, 1, 1);
        Standing memory standing = registry.standingOf(hub);
        assertEq(standing.unbonding + standing.unbondsAt, 0, "nothing");
    }

    /// @notice I10: what was missing before is paid without a new fault, and everybody can see that it was.
    function test_what_was_missing_before_is_paid_in_sight_and_without_a_fault() public {
        vm.expectEmit();
        emit IIdentityRegistry.Slashed(hub, address(channels), 5 * WHOLE, 0, 0);
        vm.prank(address(channels));
        registry.slash(hub, 5 * WHOLE, 0);
    }

    function test_an_empty_stake_still_gets_its_fault() public {
        vm.expectEmit();
        emit IIdentityRegistry.Slashed(relayer, address(channels), 0, 0, 1);
        vm.prank(address(channels));
        assertEq(registry.slash(relayer, 5, 5), 0, "nothing there");
    }

    function test_debt_is_replaced_and_stops_all_roles() public {
        vm.startPrank(address(channels));
        registry.changeDebt(hub, 0, 10);
        registry.changeDebt(hub, 0, 5);
        assertEq(registry.debtOf(hub), 15, "two claims");
        assertTrue(!registry.isActive(hub, HUB), "indebted");
        assertEq(registry.standingOf(hub).activeRoles, 0, "indebted");
        vm.expectEmit();
        emit IIdentityRegistry.DebtChanged(hub, 5);
        registry.changeDebt(hub, 10, 0);
        assertTrue(!registry.isActive(hub, HUB), "still indebted");
        registry.changeDebt(hub, 5, 0);
        assertTrue(registry.isActive(hub, HUB), "free");
        vm.stopPrank();
    }
}
