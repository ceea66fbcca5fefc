/* SPDX-License-Identifier: Apache-2.0 */
/* Comfort for the console: local time, copying, keys. Every page works without it. */
(function () {
    "use strict";

    function all(selector) {
        return Array.prototype.slice.call(document.querySelectorAll(selector));
    }

    /* Times: the text as sent is UTC; the button shows them in the reader's own zone. */
    function pad(number) {
        return (number < 10 ? "0" : "") + number;
    }

    function localText(time) {
        var date = new Date(time.getAttribute("datetime"));
        if (isNaN(date))
            return time.dataset.utc;
        /* The sub-second digits are those of the sender: Date would cut them to three. */
        var fraction = /:\d\d(\.\d+)/.exec(time.dataset.utc);
        return date.getFullYear() + "-" + pad(date.getMonth() + 1) + "-" + pad(date.getDate()) + " " +
            pad(date.getHours()) + ":" + pad(date.getMinutes()) + ":" + pad(date.getSeconds()) +
            (fraction ? fraction[1] : "");
    }

    function showZone(local) {
        all("main .events time").forEach(function (time) {
            time.dataset.utc = time.dataset.utc || time.textContent;
            time.textContent = local ? localText(time) : time.dataset.utc;
        });
        all("main .events .zone").forEach(function (zone) {
            zone.textContent = local ? "local" : "UTC";
        });
    }

    function stored(value) {
        try {
            if (value !== undefined)
                localStorage.setItem("annals-zone", value);
            return localStorage.getItem("annals-zone");
        } catch (refused) {
            return null;
        }
    }

    all("[data-zone]").forEach(function (button) {
        function show(local) {
            button.setAttribute("aria-pressed", String(local));
            showZone(local);
        }
        button.hidden = false;
        button.addEventListener("click", function () {
            var local = button.getAttribute("aria-pressed") !== "true";
            stored(local ? "local" : "utc");
            show(local);
        });
        if (stored() === "local")
            show(true);
    });

    /* Copying: the text of the element that the button names. */
    function plainText(element) {
        var copy = element.cloneNode(true);
        Array.prototype.forEach.call(copy.querySelectorAll("mark.cp"), function (mark) {
            mark.textContent = String.fromCodePoint(parseInt(mark.textContent.slice(2), 16));
        });
        return copy.textContent;
    }

    if (navigator.clipboard) {
        all("[data-copy]").forEach(function (button) {
            var label = button.textContent;
            button.hidden = false;
            button.parentNode.classList.add("enhanced");
            button.addEventListener("click", function () {
                var source = document.getElementById(button.dataset.copy);
                navigator.clipboard.writeText(plainText(source)).then(
                    function () { button.textContent = "Copied"; },
                    function () { button.textContent = "Not allowed"; }
                ).then(function () {
                    setTimeout(function () { button.textContent = label; }, 2000);
                });
            });
        });
    }

    /* Keys: "/" goes to the filter, "j" and "k" move over the rows; Enter opens what has the focus. */
    function move(step) {
        var links = all(".events tbody th a");
        if (links.length === 0)
            return;
        var at = links.indexOf(document.activeElement);
        var next = at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step;
        if (links[next])
            links[next].focus();
    }

    document.addEventListener("keydown", function (event) {
        var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
        if (event.ctrlKey || event.metaKey || event.altKey || typing)
            return;
        if (event.key === "/") {
            var first = document.querySelector("[data-first]");
            if (first) {
                first.focus();
                event.preventDefault();
            }
        } else if (event.key === "j") {
            move(1);
        } else if (event.key === "k") {
            move(-1);
        }
    });

    if (document.querySelector(".events"))
        all(".keys").forEach(function (keys) { keys.hidden = false; });
}());
