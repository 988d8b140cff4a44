// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IIdentityRegistry, Permit, Registration, Standing} from "../../src/interfaces/IIdentityRegistry.sol";
import {Tokens} from "../../src/libraries/Tokens.sol";
import {World} from "../World.sol";

contract RegisterTest is World {
    address private newcomer;

    function setUp() public override {
        super.setUp();
        newcomer = _account("newcomer");
        knownIdentities.push(newcomer);
    }

    function test_registers_and_takes_the_stake() public {
        vm.expectEmit();
        emit IIdentityRegistry.StakeAdded(newcomer, 60 * WHOLE, 60 * WHOLE);
        vm.expectEmit();
        emit IIdentityRegistry.Registered(newcomer, PROVIDER, relayer, "https://a.example");
        vm.prank(newcomer);
        registry.register(PROVIDER, 60 * WHOLE, relayer, "https://a.example");
        Standing memory standing = registry.standingOf(newcomer);
        assertEq(standing.roles, PROVIDER, "roles");
        assertEq(standing.activeRoles, PROVIDER, "active");
        assertEq(standing.stake, 60 * WHOLE, "stake");
        assertEq(standing.registeredAt, START, "registered at");
        assertEq(standing.beneficiary, relayer, "beneficiary");
        assertEq(keccak256(bytes(standing.url)), keccak256("https://a.example"), "url");
        assertEq(standing.faults + standing.debt + standing.nonce + standing.unbonding, 0, "nothing else");
        _assertConserved();
    }

    function test_who_names_no_beneficiary_is_its_own() public {
        vm.expectEmit();
        emit IIdentityRegistry.Registered(newcomer, CONSUMER, newcomer, "");
        vm.prank(newcomer);
        registry.register(CONSUMER, WHOLE, address(0), "");
        assertEq(registry.beneficiaryOf(newcomer), newcomer, "beneficiary");
    }

    function test_one_stake_backs_all_roles() public {
        vm.startPrank(newcomer);
        registry.register(CONSUMER, 1_000 * WHOLE, address(0), "");
        vm.warp(START + 5);
        registry.register(PROVIDER | HUB, 0, address(0), "");
        vm.stopPrank();
        Standing memory standing = registry.standingOf(newcomer);
        assertEq(standing.roles, 7, "roles");
        assertEq(standing.registeredAt, START, "age counts from the first");
        assertEq(standing.beneficiary, newcomer, "its own beneficiary");
        assertTrue(registry.isActive(newcomer, 7), "active in all");
    }

    function testFuzz_a_stake_below_the_minimum_is_refused(uint8 roles, uint128 stake) public {
        uint8 known = uint8(bound(roles, 1, 7));
        uint256 minimum = registry.minimumStake(known);
        uint256 offered = bound(stake, 0, minimum - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IIdentityRegistry.StakeBelowMinimum.selector, newcomer, offered, minimum)
        );
        vm.prank(newcomer);
        registry.register(known, offered, address(0), "");
    }

    function testFuzz_the_minimum_suffices(uint8 roles) public {
        uint8 known = uint8(bound(roles, 1, 7));
        uint256 minimum = registry.minimumStake(known);
        vm.prank(newcomer);
        registry.register(known, minimum, address(0), "");
        assertTrue(registry.isActive(newcomer, known), "active");
        assertTrue(registry.isActive(newcomer, known | CONSUMER) == (known & CONSUMER != 0), "no other role");
        _assertConserved();
    }

    function test_minimum_is_that_of_the_dearest_role() public view {
        assertEq(registry.minimumStake(0), 0, "none");
        assertEq(registry.minimumStake(CONSUMER), WHOLE, "consumer");
        assertEq(registry.minimumStake(PROVIDER), 50 * WHOLE, "provider");
        assertEq(registry.minimumStake(PROVIDER | CONSUMER), 50 * WHOLE, "provider and consumer");
        assertEq(registry.minimumStake(HUB), 1_000 * WHOLE, "hub");
        assertEq(registry.minimumStake(7), 1_000 * WHOLE, "all");
    }

    function test_unknown_and_no_roles_are_refused() public {
        vm.startPrank(newcomer);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.UnknownRoles.selector, uint8(8)));
        registry.register(8, 2_000 * WHOLE, address(0), "");
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.UnknownRoles.selector, uint8(0)));
        registry.register(0, 2_000 * WHOLE, address(0), "");
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.UnknownRoles.selector, uint8(9)));
        registry.register(9, 2_000 * WHOLE, address(0), "");
        vm.stopPrank();
    }

    function test_url_of_256_bytes_and_no_more() public {
        bytes memory url = new bytes(256);
        vm.prank(newcomer);
        registry.register(CONSUMER, WHOLE, address(0), string(url));
        vm.expectRevert(
            abi.encodeWithSelector(IIdentityRegistry.UrlTooLong.selector, uint256(257), uint256(256))
        );
        vm.prank(newcomer);
        registry.register(CONSUMER, 0, address(0), string(new bytes(257)));
        assertEq(bytes(registry.standingOf(newcomer).url).length, 256, "kept");
        vm.prank(newcomer);
        registry.register(CONSUMER, 0, address(0), "");
        assertEq(bytes(registry.standingOf(newcomer).url).length, 0, "erased");
    }

    function test_a_stake_beyond_its_field_is_refused_at_once() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IIdentityRegistry.AmountTooLarge.selector, uint256(1) << 128, type(uint128).max
            )
        );
        vm.prank(newcomer);
        registry.register(CONSUMER, uint256(1) << 128, address(0), "");
    }

    // ---------------------------------------------------------------- relayed

    function _registration() private view returns (Registration memory) {
        return Registration({
            identity: newcomer,
            roles: CONSUMER,
            stake: 2 * WHOLE,
            beneficiary: address(0),
            url: "",
            relayFee: WHOLE,
            nonce: 0,
            deadline: uint64(START + 60)
        });
    }

    function test_relayed_with_a_permit_and_no_gas() public {
        vm.prank(newcomer);
        token.approve(address(registry), 0);
        Registration memory registration = _registration();
        Permit memory permit =
            _signPermit(newcomer, address(registry), 3 * WHOLE, uint64(block.timestamp + 60));
        uint256 before = token.balanceOf(relayer);
        bytes memory signature = _signRegistration(registration);
        vm.prank(relayer);
        registry.registerFor(registration, permit, signature);
        assertEq(token.balanceOf(relayer) - before, WHOLE, "the relayer's fee");
        assertEq(registry.standingOf(newcomer).stake, 2 * WHOLE, "stake");
        assertEq(registry.standingOf(newcomer).nonce, 1, "nonce");
        _assertConserved();
    }

    function test_a_permit_used_by_somebody_first_does_no_harm() public {
        vm.prank(newcomer);
        token.approve(address(registry), 0);
        Permit memory permit =
            _signPermit(newcomer, address(registry), 3 * WHOLE, uint64(block.timestamp + 60));
        token.permit(newcomer, address(registry), permit.value, permit.deadline, permit.v, permit.r, permit.s);
        Registration memory registration = _registration();
        registry.registerFor(registration, permit, _signRegistration(registration));
        assertEq(registry.standingOf(newcomer).stake, 2 * WHOLE, "stake");
    }

    function test_relayed_without_fee_or_stake() public {
        Registration memory registration = _registration();
        registry.registerFor(registration, _noPermit(), _signRegistration(registration));
        registration.roles = 0;
        registration.stake = 0;
        registration.relayFee = 0;
        registration.nonce = 1;
        registration.url = "wss://x";
        uint256 before = token.balanceOf(newcomer);
        registry.registerFor(registration, _noPermit(), _signRegistration(registration));
        assertEq(token.balanceOf(newcomer), before, "nothing taken");
    }

    function test_relayed_registration_cannot_be_used_twice() public {
        Registration memory registration = _registration();
        bytes memory signature = _signRegistration(registration);
        registry.registerFor(registration, _noPermit(), signature);
        vm.expectRevert(
            abi.encodeWithSelector(IIdentityRegistry.WrongNonce.selector, newcomer, uint256(0), uint256(1))
        );
        registry.registerFor(registration, _noPermit(), signature);
    }

    function test_relayed_registration_expires() public {
        Registration memory registration = _registration();
        bytes memory signature = _signRegistration(registration);
        vm.warp(START + 61);
        vm.expectRevert(
            abi.encodeWithSelector(
                IIdentityRegistry.SignatureExpired.selector, registration.deadline, block.timestamp
            )
        );
        registry.registerFor(registration, _noPermit(), signature);
        vm.warp(START + 60);
        registry.registerFor(registration, _noPermit(), signature);
    }

    function testFuzz_a_changed_registration_is_refused(uint8 field) public {
        Registration memory registration = _registration();
        bytes memory signature = _signRegistration(registration);
        uint256 kind = bound(field, 0, 5);
        if (kind == 0) registration.roles = PROVIDER | CONSUMER;
        if (kind == 1) registration.stake += 1;
        if (kind == 2) registration.beneficiary = relayer;
        if (kind == 3) registration.url = "x";
        if (kind == 4) registration.relayFee += 1;
        if (kind == 5) registration.deadline += 1;
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongSigner.selector, newcomer));
        registry.registerFor(registration, _noPermit(), signature);
    }

    // ------------------------------------------------------- stake, whereabouts

    function test_anyone_adds_stake() public {
        vm.prank(relayer);
        registry.addStake(consumer, 5 * WHOLE);
        assertEq(registry.standingOf(consumer).stake, 15 * WHOLE, "stake");
        _assertConserved();
    }

    function test_no_stake_for_nobody_and_no_empty_one() public {
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.NotRegistered.selector, newcomer));
        registry.addStake(newcomer, 1);
        vm.expectRevert(IIdentityRegistry.ZeroAmount.selector);
        registry.addStake(consumer, 0);
    }

    function test_beneficiary_and_url_can_be_changed_by_their_owner() public {
        vm.expectEmit();
        emit IIdentityRegistry.BeneficiaryChanged(consumer, relayer);
        vm.prank(consumer);
        registry.setBeneficiary(relayer);
        assertEq(registry.beneficiaryOf(consumer), relayer, "beneficiary");
        vm.expectEmit();
        emit IIdentityRegistry.BeneficiaryChanged(consumer, consumer);
        vm.prank(consumer);
        registry.setBeneficiary(consumer);
        assertEq(registry.beneficiaryOf(consumer), consumer, "itself again");
        vm.expectEmit();
        emit IIdentityRegistry.UrlChanged(consumer, "wss://c");
        vm.prank(consumer);
        registry.setUrl("wss://c");
        assertEq(keccak256(bytes(registry.standingOf(consumer).url)), keccak256("wss://c"), "url");
        vm.startPrank(newcomer);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.NotRegistered.selector, newcomer));
        registry.setBeneficiary(relayer);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.NotRegistered.selector, newcomer));
        registry.setUrl("x");
        vm.stopPrank();
    }

    function test_standing_of_many() public view {
        address[] memory identities = new address[](2);
        identities[0] = hub;
        identities[1] = provider;
        Standing[] memory standings = registry.standingsOf(identities);
        assertEq(standings[0].stake, 2_000 * WHOLE, "hub");
        assertEq(standings[1].stake, 100 * WHOLE, "provider");
        assertEq(registry.token(), address(token), "token");
        assertEq(registry.channels(), address(channels), "channels");
        assertEq(registry.marketplace(), address(marketplace), "marketplace");
        assertEq(registry.unbondingDelay(), UNBONDING, "unbonding");
        assertEq(registry.debtOf(hub), 0, "debt");
    }

    function test_errors_of_library_and_interface_are_the_same() public pure {
        assertTrue(Tokens.AmountTooLarge.selector == IIdentityRegistry.AmountTooLarge.selector, "one error");
        assertTrue(Tokens.TokensMissing.selector == IIdentityRegistry.TokensMissing.selector, "one error");
    }
}
