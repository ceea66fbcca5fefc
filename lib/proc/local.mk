libannals_a_SOURCES +=
