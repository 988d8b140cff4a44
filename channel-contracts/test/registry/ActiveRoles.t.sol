// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {World} from "../World.sol";

/// @notice What a standing says of each role, at the stake where it begins.
contract ActiveRolesTest is World {
    function _activeWith(uint8 roles, uint256 stake) private returns (uint8) {
        address identity = _enter(string(abi.encodePacked("with ", roles)), roles, stake);
        return registry.standingOf(identity).activeRoles;
    }

    function test_exactly_the_minimum_makes_a_role_active() public {
        assertEq(_activeWith(CONSUMER, WHOLE), CONSUMER, "consumer");
        assertEq(_activeWith(PROVIDER, 50 * WHOLE), PROVIDER, "provider");
        assertEq(_activeWith(HUB, 1_000 * WHOLE), HUB, "hub");
    }

    function test_one_stake_makes_all_roles_active_and_none_that_was_not_taken() public {
        assertEq(_activeWith(CONSUMER | PROVIDER | HUB, 1_000 * WHOLE), 7, "all");
        assertEq(_activeWith(CONSUMER | HUB, 5_000 * WHOLE), 5, "all but provider");
    }

    function test_a_slashed_stake_leaves_the_cheaper_roles() public {
        address identity = _enter("all", CONSUMER | PROVIDER | HUB, 1_000 * WHOLE);
        vm.prank(address(channels));
        registry.slash(identity, 1, 1);
        assertEq(registry.standingOf(identity).activeRoles, CONSUMER | PROVIDER, "no hub any more");
    }
}
