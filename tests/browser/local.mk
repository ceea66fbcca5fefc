EXTRA_DIST += \
	tests/browser/browser.py \
	tests/browser/conftest.py \
	tests/browser/test_pages.py
