// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccountView, HubView} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

/// @notice What was found missing once is punished once; what comes later only pays it.
contract ShortfallTest is World {
    function test_a_later_payment_of_an_old_shortfall_is_no_new_fault() public {
        // The stake of 2,000 pays half of itself and burns the other; 9,000 stay missing.
        assertEq(_redeem(hub, provider, 10_000 * WHOLE), 1_000 * WHOLE, "by the stake");
        uint256 burned = token.balanceOf(DEAD);
        token.approve(address(registry), type(uint256).max);
        registry.addStake(hub, 50 * WHOLE);
        _fund(30 * WHOLE);
        assertEq(_redeem(hub, provider, 10_000 * WHOLE), 80 * WHOLE, "by pool and stake");
        AccountView memory account = channels.accountOf(hub, provider);
        assertEq(account.missing, 8_920 * WHOLE, "missing");
        HubView memory known = channels.hubOf(hub);
        assertEq(known.debt, 8_920 * WHOLE, "debt");
        assertEq(known.faults, 1, "faults");
        assertEq(token.balanceOf(DEAD), burned, "nothing more burned");
        _assertConserved();
    }

    function test_only_the_new_part_of_a_larger_promise_is_punished() public {
        _redeem(hub, provider, 10_000 * WHOLE);
        uint256 burned = token.balanceOf(DEAD);
        token.approve(address(registry), type(uint256).max);
        registry.addStake(hub, 20_000 * WHOLE);
        _fund(30 * WHOLE);
        // 9,100 are due, 30 of them from the pool; 70 are new.
        assertEq(_redeem(hub, provider, 10_100 * WHOLE), 9_100 * WHOLE, "paid");
        assertEq(token.balanceOf(DEAD), burned + 70 * WHOLE, "burned");
        HubView memory known = channels.hubOf(hub);
        assertEq(known.faults, 2, "faults");
        assertEq(known.debt, 0, "debt");
        assertEq(known.stake, 20_000 * WHOLE - 9_070 * WHOLE - 70 * WHOLE, "stake");
        _assertConserved();
    }
}
