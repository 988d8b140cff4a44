// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccountView, Draw, HubView, Parties} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

/// @notice What was found missing once is punished once; what comes later only pays it.
contract ShortfallTest is World {
    function test_a_later_payment_of_an_old_shortfall_is_no_new_fault() public {
        // The stake of 2,000 pays half of itself and burns the other; 9,000 stay missing.
        assertEq(_redeem(hub, provider, 10_000 * WHOLE), 1_000 * WHOLE, "by the stake");
        uint256 burned = registry.burned();
        token.approve(address(registry), type(uint256).max);
        registry.addStake(hub, 50 * WHOLE);
        _fund(30 * WHOLE);
        assertEq(_redeem(hub, provider, 10_000 * WHOLE), 80 * WHOLE, "by pool and stake");
        AccountView memory account = channels.accountOf(hub, provider);
        assertEq(account.missing, 8_920 * WHOLE, "missing");
        HubView memory known = channels.hubOf(hub);
        assertEq(known.debt, 8_920 * WHOLE, "debt");
        assertEq(known.faults, 1, "faults");
        assertEq(registry.burned(), burned, "nothing more burned");
        _assertConserved();
    }

    function test_only_the_new_part_of_a_larger_promise_is_punished() public {
        _redeem(hub, provider, 10_000 * WHOLE);
        uint256 burned = registry.burned();
        token.approve(address(registry), type(uint256).max);
        registry.addStake(hub, 20_000 * WHOLE);
        _fund(30 * WHOLE);
        // 9,100 are due, 30 of them from the pool; 70 are new.
        assertEq(_redeem(hub, provider, 10_100 * WHOLE), 9_100 * WHOLE, "paid");
        assertEq(registry.burned(), burned + 70 * WHOLE, "burned");
        HubView memory known = channels.hubOf(hub);
        assertEq(known.faults, 2, "faults");
        assertEq(known.debt, 0, "debt");
        assertEq(known.stake, 20_000 * WHOLE - 9_070 * WHOLE - 70 * WHOLE, "stake");
        _assertConserved();
    }

    // ---------------------------------------------------------- guaranteed draws

    /// @dev A guarantee of 10,000 on a channel that the hub and the consumer emptied: half the stake of 2,000 pays,
    /// the other half burns.
    function _short() private returns (Parties memory parties, Draw memory order) {
        parties = _open(1, WHOLE);
        _conclude(_final(parties));
        order = _guaranteed(parties, provider, 10_000 * WHOLE, 10_000 * WHOLE);
        channels.draw(order);
        assertEq(channels.accountOf(hub, provider).credited, 1_000 * WHOLE, "by the stake");
        token.approve(address(registry), type(uint256).max);
    }

    /// @dev A guarantee on an emptied channel whose net is the same as that of one unit more: 49 and 50 are both 49
    /// after a fee of 2 %.
    function _atTheEdge(uint256 pool) private returns (Parties memory parties) {
        parties = _open(1, WHOLE);
        _conclude(_final(parties));
        _fund(pool);
        channels.draw(_guaranteed(parties, provider, 49, 49));
        assertEq(_tab(parties, provider).drawn, 49, "drawn, and not a unit more");
        assertEq(channels.accountOf(hub, provider).credited, 49, "credited");
        assertEq(channels.hubOf(hub).pool, 0, "pool");
        _assertConserved();
    }

    function test_a_pool_that_just_suffices_is_no_fault() public {
        _atTheEdge(49);
        HubView memory known = channels.hubOf(hub);
        assertEq(known.faults, 0, "faults");
        assertEq(known.stake, 2_000 * WHOLE, "stake");
    }

    function test_a_stake_that_suffices_fills_the_promise_and_no_more() public {
        _atTheEdge(40);
        HubView memory known = channels.hubOf(hub);
        assertEq(known.faults, 1, "faults");
        assertEq(known.stake, 2_000 * WHOLE - 18, "9 paid, 9 burned");
    }

    function test_the_same_guarantee_drawn_again_is_no_new_fault() public {
        (Parties memory parties, Draw memory order) = _short();
        uint256 burned = registry.burned();
        registry.addStake(hub, 20_000 * WHOLE);
        _fund(30 * WHOLE);
        channels.draw(order);
        assertEq(_tab(parties, provider).drawn, 10_000 * WHOLE, "drawn");
        assertEq(channels.accountOf(hub, provider).credited, 9_800 * WHOLE, "credited");
        HubView memory known = channels.hubOf(hub);
        assertEq(known.debt, 0, "debt");
        assertEq(known.faults, 1, "faults");
        assertEq(known.pool, 0, "pool");
        assertEq(known.stake, 20_000 * WHOLE - 8_770 * WHOLE, "stake");
        assertEq(registry.burned(), burned, "nothing more burned");
        _assertConserved();
    }

    function test_what_a_hub_has_advanced_need_not_be_repaid() public {
        (Parties memory parties,) = _short();
        uint256 missing = _tab(parties, provider).missingByHub;
        _fund(2_000 * WHOLE);
        assertEq(_redeem(hub, provider, 3_000 * WHOLE), 3_000 * WHOLE, "1,000 waited, 2,000 are advanced");
        vm.prank(relayer);
        assertEq(channels.repay(parties, provider, 100_000 * WHOLE), missing - 2_000 * WHOLE, "taken");
        assertEq(_tab(parties, provider).drawn, 10_000 * WHOLE, "drawn");
        assertEq(_tab(parties, provider).missingByHub, 0, "missing");
        _assertConserved();
    }

    function test_a_stake_fills_no_more_than_was_promised() public {
        Parties memory parties = _open(1, WHOLE);
        _conclude(_final(parties));
        // The fee begins with the fiftieth unit: 49 and 50 have the same net.
        channels.draw(_guaranteed(parties, provider, 49, 49));
        assertEq(_tab(parties, provider).drawn, 49, "drawn");
        assertEq(channels.accountOf(hub, provider).credited, 49, "credited");
        assertEq(channels.hubOf(hub).debt, 0, "debt");
        _assertConserved();
    }

    // ------------------------------------------------------------------ protests

    function test_the_same_promise_protested_again_is_no_new_fault() public {
        Parties memory parties = _open(1, 10 * WHOLE);
        _protest(parties, provider, 100 * WHOLE);
        vm.warp(block.timestamp + PROTEST_WINDOW);
        // 10 from the channel, 5 from a stake of 10 whose other half burns.
        assertEq(channels.settleProtest(parties, provider), 15 * WHOLE, "paid");
        uint256 burned = registry.burned();
        token.approve(address(registry), type(uint256).max);
        registry.addStake(consumer, 200 * WHOLE);
        vm.prank(consumer);
        channels.deposit(parties, 20 * WHOLE);
        _protest(parties, provider, 100 * WHOLE);
        vm.warp(block.timestamp + PROTEST_WINDOW);
        assertEq(
            channels.settleProtest(parties, provider), 85 * WHOLE, "20 from the channel, 65 from the stake"
        );
        (uint128 stake, uint32 faults, uint256 debt) = registry.securityOf(consumer);
        assertEq(stake, 135 * WHOLE, "stake");
        assertEq(faults, 1, "faults");
        assertEq(debt, 0, "debt");
        assertEq(registry.burned(), burned, "nothing more burned");
        _assertConserved();
    }
}
